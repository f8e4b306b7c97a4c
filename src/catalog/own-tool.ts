import type { Tool } from './tool.ts';

/** What the gateway serves itself and an intent can name; `tools.json` can hold no such id and no such path. */
const own = (tool: Pick<Tool, 'id' | 'method' | 'path' | 'description'>): Tool => ({
  ...tool,
  mimeType: 'application/json',
  price: 0n,
  pricing: 'exact',
  settlement: 'free',
  onSilence: 'release',
  // Nothing is behind it: what answers is this Worker.
  upstream: '',
  timeoutSeconds: 10,
  maxBodyBytes: 0,
  requestHeaders: [],
  requireBinding: 'none',
});

/** The most that one top-up may be, atomic units: far from where storage would refuse an account's sum. */
export const MAX_TOP_UP = 1_000_000_000_000n;

/** `POST /credits`: buys credit. The price is the amount asked for, in atomic units. */
export const creditsTool = (amount: bigint): Tool => ({
  ...own({
    id: 'countersign.credits',
    method: 'POST',
    path: '/credits',
    description: 'Prepaid credit: what is paid here is used for later calls of the account.',
  }),
  price: amount,
  settlement: 'upfront',
});

/** `GET /calls/<call id>`: what became of a call, for its payer. */
export const callsTool: Tool = own({
  id: 'countersign.calls',
  method: 'GET',
  path: '/calls/*',
  description: 'What became of a call of the account that asks.',
});

/** `POST /admin/credits/refunds`: records credit that an operator has paid back on chain. */
export const refundsTool: Tool = {
  ...own({
    id: 'countersign.admin.credits.refund',
    method: 'POST',
    path: '/admin/credits/refunds',
    description: 'Records credit that was paid back on chain.',
  }),
  maxBodyBytes: 4_096,
};
