/** Prices in atomic units. */
export const PRICES = {
  deferred: 10_000n,
  upfront: 50_000n,
  failing: 10_000n,
  spoiled: 10_000n,
  credit: 10_000n,
  topUp: 20_000n,
} as const;

/** What a run sells. The gateway itself sells `topUp`. */
export type Product = keyof typeof PRICES;

/** `maxTimeoutSeconds` of each offer. */
export const LONGEST: Readonly<Record<Product, number>> = {
  deferred: 3600,
  failing: 3600,
  upfront: 300,
  spoiled: 300,
  topUp: 300,
  credit: 0,
};

const tool = (
  id: Exclude<Product, 'topUp'>,
  settlement: 'deferred' | 'upfront' | 'credit',
  upstream: string,
) => ({
  id,
  method: 'GET',
  path: `/${id}/*`,
  description: `A tool of the chaos run: ${id}.`,
  price: `$${Number(PRICES[id]) / 1e6}`,
  settlement,
  upstream,
  timeoutSeconds: 5,
});

/** The upstream answers 404 for `/nothing/…`. */
export const TOOLS = {
  tools: [
    tool('deferred', 'deferred', '/echo'),
    tool('upfront', 'upfront', '/echo'),
    tool('failing', 'deferred', '/nothing'),
    tool('spoiled', 'upfront', '/nothing'),
    tool('credit', 'credit', '/echo'),
  ],
};
