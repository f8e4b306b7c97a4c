import * as z from 'zod/mini';
import { account, address, amount, count, networkId, time, token } from './fields.ts';
import { OPERATOR, type RouteTable } from './route.ts';

const promise = {
  /** Calls accepted in the last 71 minutes, and older ones with an open payment. */
  calls: count,
  open_payments: count,
  /** The time by which all of them have ended, unless payments wait for a backend. Absent without calls. */
  until: z.exactOptional(time),
};

/** The open payments and the credit of each payee, audience and asset. Lists every configured value, also one without a call. */
const moving = z.strictObject({
  /** The account that keeps tools, webhooks and alerts. */
  gateway_account: account,
  payees: z.array(
    z.strictObject({
      network: networkId,
      payee: address,
      /** `unconfigured`: neither PAY_TO nor FORMER_PAY_TO names it. */
      state: z.enum(['offered', 'former', 'unconfigured']),
      ...promise,
      /** In the token of the network. */
      open_amount: amount,
    }),
  ),
  /** Without amounts: an audience serves several networks, and so several tokens. */
  audiences: z.array(
    z.strictObject({
      audience: z.string(),
      state: z.enum(['offered', 'unconfigured']),
      ...promise,
    }),
  ),
  /** The credit of all accounts, debts subtracted. */
  credits: z.array(z.strictObject({ asset: token, amount })),
  /** Everything older is counted; absent if the gateway cannot tell. */
  as_of: z.exactOptional(time),
});

export const MOVING_ROUTES = {
  moving: {
    path: 'GET /admin/moving',
    roles: OPERATOR,
    summary: 'Counts what is open under each payee, audience and asset',
    answer: moving,
  },
} as const satisfies RouteTable;
