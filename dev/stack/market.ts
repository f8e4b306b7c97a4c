import type { DemoMarket } from '../upstream/market.ts';
import type { Gateway } from './gateway.ts';
import { openOperator, sellTools } from './sell-tools.ts';

/** Name of the secret with the key of the market data service. */
export const MARKET_SECRET = 'market';

/** The tool whose upstream demands a credential. */
export const QUOTES = {
  ...{ id: 'quotes', method: 'GET', path: '/tools/quotes' },
  ...{ description: 'Returns the price of a stock (?symbol=).', price: '$0.002' },
  ...{ settlement: 'deferred', upstream: '/market/quotes' },
  secrets: [{ in: 'header', name: 'authorization', prefix: 'Bearer ', secret: MARKET_SECRET }],
} as const;

/** Stores the key of the market data service, which is a part of the upstream, and sells its tool. The gateway must be without state. */
export const setUpMarket = async (
  { key }: Pick<DemoMarket, 'key'>,
  upstream: string,
  gateway: Pick<Gateway, 'url' | 'audience'>,
): Promise<void> => {
  const secret = { host: new URL(upstream).host, value: key };
  await sellTools(openOperator(gateway), { [MARKET_SECRET]: secret }, [QUOTES]);
};
