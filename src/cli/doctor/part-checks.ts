import { chainChecks, hostOf, upstreamCheck } from '../lib/checks.ts';
import type { Target } from './config-checks.ts';
import { facilitatorChecks } from './facilitator-checks.ts';
import type { Part } from './run-parts.ts';
import { uptoChecks } from './upto-checks.ts';

/** Checks of the services that a gateway calls: nodes with their tokens, facilitators, the upstream. */
export const partsOf = (target: Target, now: () => number): readonly Part[] => {
  const { chains, config, facilitators, upstream } = target;
  return [
    ...chains.map(({ network, url }): Part => ({
      name: `RPC ${hostOf(url)}`,
      check: async () => chainChecks(network, url, now),
    })),
    ...facilitators.map((facilitator): Part => ({
      name: 'facilitator',
      check: async (signal) => facilitatorChecks(target, facilitator, signal),
    })),
    ...(config === undefined
      ? []
      : [
          {
            name: 'upto',
            check: async (signal) => uptoChecks(config, signal),
          } satisfies Part,
        ]),
    ...(upstream === undefined
      ? []
      : [
          {
            name: 'upstream',
            check: async (signal) => [await upstreamCheck(upstream, signal)],
          } satisfies Part,
        ]),
  ];
};
