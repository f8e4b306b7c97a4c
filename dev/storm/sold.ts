import type { ModelMode } from '../upstream/model-answer.ts';

/** Prices in atomic units of USDC. Those of the tools of a storm end in different digits, so that their sums can miss the cap by a unit. */
export const PRICES = {
  quote: 10_000n,
  route: 7_003n,
  model: 9_001n,
  membership: 900_000n,
} as const;
export type Sold = keyof typeof PRICES;

/** The tools that the delegated agents call; `membership` is bought before they have an owner. */
export const STORMED = ['quote', 'route', 'model'] as const satisfies readonly Sold[];

/** Seconds that a tool may take. An attempt that dies with the Worker keeps its hold 60 s longer (docs/wire-format.md §11). */
export const TIMEOUT_SECONDS = 10;

/** A token of the stand-in model costs one atomic unit. */
const meter = { usage: 'openai', rates: { output_tokens: '$0.000001' }, missing: 'max' };

const tool = (id: Sold, settlement: 'deferred' | 'upfront') => ({
  id,
  method: 'GET',
  path: `/${id}/*`,
  description: `A tool of the storm: ${id}.`,
  price: id === 'model' ? { max: `${PRICES[id]}u`, meter } : `${PRICES[id]}u`,
  settlement,
  upstream: `/${id}`,
  timeoutSeconds: TIMEOUT_SECONDS,
});

/** The content of `tools.json`. */
export const TOOLS = {
  tools: [...STORMED.map((id) => tool(id, 'deferred')), tool('membership', 'upfront')],
};

/** The tool that the call with this number buys. */
export const soldAs = (number: number): (typeof STORMED)[number] =>
  number % 3 === 0 ? 'route' : number % 11 < 2 ? 'model' : 'quote';

/** How the stand-in model answers, one call after another. */
const MODES = ['complete', 'breaks', 'overuses', 'complete', 'unreported', 'absurd'] as const;
const EVENTS = 5;

const modeOf = (number: number): ModelMode =>
  MODES[Math.floor(number / 11) + ((number % 11) % MODES.length)] ?? 'whole';

/** Returns the path of a call, unique for each. `again`: the caller buys it for the second time. */
export const pathOf = (number: number, again: '' | '/again'): string => {
  const path = `/${soldAs(number)}/${number}${again}`;
  return soldAs(number) === 'model' ? `${path}/${modeOf(number)}/${EVENTS}/${number}` : path;
};

/** Whether a stream costs nothing although its caller gets bytes: it breaks off, or its usage is absurd. */
export const isFree = (number: number): boolean =>
  soldAs(number) === 'model' && ['breaks', 'absurd'].includes(modeOf(number));

/** How many times the cap all calls together would cost. */
export const TIMES = 5;

/** The cap that all agents share: a fifth of the price of all calls, and one unit that no combination of prices can use up exactly. */
export const capFor = (calls: number): bigint => {
  let all = 0n;
  for (let number = 0; number < calls; number += 1) all += PRICES[soldAs(number)];
  return all / BigInt(TIMES) + 1n;
};
