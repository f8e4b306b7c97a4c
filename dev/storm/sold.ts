/** Prices in atomic units of USDC. Those of `quote` and `route` end in different digits, so that their sums can miss the cap by a unit. */
export const PRICES = { quote: 10_000n, route: 7_003n, membership: 900_000n } as const;
export type Sold = keyof typeof PRICES;

/** The tools that the delegated agents call; `membership` is bought before they have an owner. */
export const STORMED = ['quote', 'route'] as const satisfies readonly Sold[];

/** Seconds that a tool may take. An attempt that dies with the Worker keeps its hold 60 s longer (docs/wire-format.md §11). */
export const TIMEOUT_SECONDS = 10;

const tool = (id: Sold, settlement: 'deferred' | 'upfront') => ({
  id,
  method: 'GET',
  path: `/${id}/*`,
  description: `A tool of the storm: ${id}.`,
  price: `${PRICES[id]}u`,
  settlement,
  upstream: `/${id}`,
  timeoutSeconds: TIMEOUT_SECONDS,
});

/** The content of `tools.json`. */
export const TOOLS = {
  tools: [tool('quote', 'deferred'), tool('route', 'deferred'), tool('membership', 'upfront')],
};

/** The tool that the call with this number buys. */
export const soldAs = (number: number): (typeof STORMED)[number] =>
  number % 3 === 0 ? 'route' : 'quote';

/** How many times the cap all calls together would cost. */
export const TIMES = 5;

/** The cap that all agents share: a fifth of the price of all calls, and one unit that no combination of prices can use up exactly. */
export const capFor = (calls: number): bigint => {
  let all = 0n;
  for (let number = 0; number < calls; number += 1) all += PRICES[soldAs(number)];
  return all / BigInt(TIMES) + 1n;
};
