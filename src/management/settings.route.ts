import * as z from 'zod/mini';
import { account, address, count, hash, networkId } from './fields.ts';
import { policyDocument } from './policy.route.ts';
import { OPERATOR, type RouteTable } from './route.ts';

/** The deployment of the gateway, without any secret. Every value comes from a variable of the Worker (docs/configuration.md). */
const settings = z.strictObject({
  gateway_account: account,
  operators: z.array(address),
  audiences: z.array(z.string()),
  networks: z.array(networkId),
  /** Whether the gateway refuses all new calls. */
  paused: z.boolean(),
  /** The policy of an account without its own, amounts in dollars. */
  default_policy: policyDocument,
  default_policy_hash: hash,
  /** How many days D1 keeps log and ended calls; absent without an archive, because D1 then keeps everything. */
  retain_days: z.exactOptional(count),
  /** The address of a trace at the operator's collector, with `{trace}` in place of its id. */
  trace_url: z.exactOptional(z.string()),
});

export const SETTINGS_ROUTES = {
  settings: {
    path: 'GET /admin/settings',
    roles: OPERATOR,
    summary: 'Shows how the gateway is deployed',
    answer: settings,
  },
} as const satisfies RouteTable;
