import { chainChecks, type Check, upstreamCheck } from '../lib/checks.ts';
import type { Session } from '../lib/session.ts';
import type { Target } from './config-checks.ts';
import { facilitatorChecks } from './facilitator-checks.ts';

/** Checks what a gateway calls: nodes with their tokens, facilitators, the upstream. */
export const partChecks = async (
  target: Target,
  { signal, now }: Pick<Session, 'signal' | 'now'>,
): Promise<readonly Check[]> => {
  const groups = await Promise.all([
    ...target.chains.map(async ({ network, url }) => chainChecks(network, url, now)),
    facilitatorChecks(target, signal),
    target.upstream === undefined
      ? []
      : upstreamCheck(target.upstream, signal).then((check) => [check]),
  ]);
  return groups.flat();
};
