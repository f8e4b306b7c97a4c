import { AGENTS, type Contender, openBound } from './contenders.ts';
import type { GatewayChanges } from './gateway-subject.ts';
import { deal, type Measured, mustAllBe, run } from './load.ts';
import type { Bench, Upstream } from './subject.ts';

/** Cost of a call in a gateway with many tools or rules. */
export type Breadth = { readonly holds: string; readonly alone: Measured; readonly at16: Measured };

const WARM_UP = 400;
const CALLS = 200;

const names = (prefix: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, number) => `${prefix}-${number}`);

/** A policy with its maximum: 16 rules, 64 names of tools. */
const FULL_POLICY = {
  tools: [...names('allowed', 63), 'lookup'],
  deny: names('denied', 16).map((name) => ({ tools: [name] })),
};

const GATEWAYS: Readonly<Record<string, GatewayChanges>> = {
  '10 tools, no rule': {},
  '1,000 more tools': { tools: 1_000 },
  'policy of 16 rules and 64 names': { policy: FULL_POLICY },
};

const measure = async (
  { subject, requests }: Contender,
  count: number,
  connections: number,
  what: string,
): Promise<Measured> => {
  const lanes = deal(await requests(AGENTS, count), AGENTS, connections);
  return mustAllBe(await run(subject.port, lanes, subject), 200, what);
};

/** Measures the same bound calls with each configuration, in fresh processes. */
export const measureBreadth = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Breadth[]> => {
  const measured: Breadth[] = [];
  for (const [holds, changes] of Object.entries(GATEWAYS)) {
    const contender = await openBound(changes)(bench, upstream);
    try {
      await measure(contender, WARM_UP, 16, holds);
      const alone = await measure(contender, CALLS, 1, holds);
      measured.push({ holds, alone, at16: await measure(contender, CALLS * 2, 16, holds) });
    } finally {
      await contender.subject.stop();
    }
  }
  return measured;
};
