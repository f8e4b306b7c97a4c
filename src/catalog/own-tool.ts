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
  params: {},
  disabled: false,
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

/** A route of the management API. */
export const managementTool = (
  route: Pick<Tool, 'id' | 'method' | 'path' | 'maxBodyBytes'>,
): Tool => ({ ...own({ ...route, description: 'Management.' }), maxBodyBytes: route.maxBodyBytes });

/** The longest document: 64 tools, 64 payees and the signature of a contract. */
const MAX_DOCUMENT = 32_768;

/** `PUT /delegations`: registers a grant that its issuer has signed. */
export const delegationsTool: Tool = {
  ...own({
    id: 'countersign.delegations',
    method: 'PUT',
    path: '/delegations',
    description: 'Registers a grant.',
  }),
  maxBodyBytes: MAX_DOCUMENT,
};

/** `POST /revocations`: takes grants back. */
export const revocationsTool: Tool = {
  ...own({
    id: 'countersign.revocations',
    method: 'POST',
    path: '/revocations',
    description: 'Revokes grants.',
  }),
  maxBodyBytes: MAX_DOCUMENT,
};

/** `GET /accounts/me`: how the account stands that asks. */
export const accountTool: Tool = own({
  id: 'countersign.account',
  method: 'GET',
  path: '/accounts/me',
  description: 'How the account stands that asks.',
});

/** Keeps a path for a tool that cannot be served. */
export const keeperOf = (id: string, path: string): Tool => ({
  ...own({ id, method: '*', path, description: '' }),
  disabled: true,
});
