import { OPEN_SCHEMA } from './input-schema.ts';
import type { Tool } from './tool.ts';

/** Builds the tool of a gateway route, so that an intent can name it. `tools.json` can contain no such id and path. */
export const gatewayTool = (tool: Pick<Tool, 'id' | 'method' | 'path' | 'description'>): Tool => ({
  ...tool,
  mimeType: 'application/json',
  price: 0n,
  pricing: 'exact',
  settlement: 'free',
  onSilence: 'release',
  // The Worker answers this tool itself.
  upstream: '',
  timeoutSeconds: 10,
  maxBodyBytes: 0,
  requestHeaders: [],
  assertion: false,
  requireBinding: 'none',
  params: {},
  secrets: [],
  bazaar: false,
  inputSchema: OPEN_SCHEMA,
  arguments: {},
  disabled: false,
});

/** `POST /credits`: buys credit. The price is the requested amount, atomic units. */
export const creditsTool = (amount: bigint): Tool => ({
  ...gatewayTool({
    id: 'countersign.credits',
    method: 'POST',
    path: '/credits',
    description: 'Prepaid credit: later calls of the account spend it.',
  }),
  price: amount,
  settlement: 'upfront',
});

/** `GET /calls/<call id>`: the state of a call, for its payer. */
export const callsTool: Tool = gatewayTool({
  id: 'countersign.calls',
  method: 'GET',
  path: '/calls/*',
  description: 'The outcome of a call of the signing account.',
});

/** `POST /admin/credits/refunds`: records credit that an operator paid back on chain. */
export const refundsTool: Tool = {
  ...gatewayTool({
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
): Tool => ({
  ...gatewayTool({ ...route, description: 'Management.' }),
  maxBodyBytes: route.maxBodyBytes,
});

/** The largest document: 64 tools, 64 payees and the signature of a contract, bytes. */
const MAX_DOCUMENT = 32_768;

/** `PUT /delegations`: registers a grant that its issuer signed. */
export const delegationsTool: Tool = {
  ...gatewayTool({
    id: 'countersign.delegations',
    method: 'PUT',
    path: '/delegations',
    description: 'Registers a grant.',
  }),
  maxBodyBytes: MAX_DOCUMENT,
};

/** `POST /revocations`: revokes grants. */
export const revocationsTool: Tool = {
  ...gatewayTool({
    id: 'countersign.revocations',
    method: 'POST',
    path: '/revocations',
    description: 'Revokes grants.',
  }),
  maxBodyBytes: MAX_DOCUMENT,
};

/** `GET /accounts/me`: the signer's account. */
export const accountTool: Tool = gatewayTool({
  id: 'countersign.account',
  method: 'GET',
  path: '/accounts/me',
  description: 'Policies, grants, remaining limits and money of the signing account.',
});

/** Reserves the path of a tool that cannot be served. */
export const placeholderTool = (id: string, path: string): Tool => ({
  ...gatewayTool({ id, method: '*', path, description: '' }),
  disabled: true,
});
