import * as z from 'zod/mini';
import { STATUSES } from '../account.route.ts';
import type { PolicyDocument } from '../policy.route.ts';
import { account, amount, asset, count, hash, pageOf, time } from './fields.ts';

const status = z.enum(STATUSES);

/** An account in a list. `status` is the worse of what its operator and its owner have set. */
export const accountItem = z.strictObject({
  account,
  parent: z.exactOptional(account),
  label: z.exactOptional(z.string()),
  status,
  operator_status: z.exactOptional(status),
  first_at: z.exactOptional(time),
});

export const accountsPage = pageOf(accountItem);

const limit = z.strictObject({
  rule: z.string(),
  limit: amount,
  spent: amount,
  held: amount,
  remaining: amount,
  resets_at: z.exactOptional(time),
  window: z.exactOptional(count),
  account: z.exactOptional(account),
});

/** A policy as the account keeps it, amounts in dollars. */
export const policyDocument = z.custom<PolicyDocument>();

/** How an account stands: what binds it, what is left of each limit, its money. */
export const standing = z.strictObject({
  account,
  label: z.exactOptional(z.string()),
  status,
  operator_status: status,
  owner_status: status,
  revision: count,
  parent: z.exactOptional(account),
  /** What `If-Match` takes for the policy of each slot, and the label. */
  etags: z.strictObject({
    operator: z.exactOptional(hash),
    owner: z.exactOptional(hash),
    label: z.exactOptional(hash),
  }),
  policies: z.array(
    z.strictObject({
      kind: z.enum(['default', 'operator', 'owner', 'grant']),
      account,
      hash,
      policy: policyDocument,
    }),
  ),
  grants: z.array(
    z.strictObject({
      hash,
      id: hash,
      issuer: account,
      status: z.enum(['active', 'revoked', 'expired', 'not_yet']),
      valid_until: time,
      is_default: z.boolean(),
    }),
  ),
  money: z.array(
    z.strictObject({
      asset,
      credit: amount,
      credit_held: amount,
      /** Of `credit_held`, what accounts below hold; they report what they spent of it within 70 s. */
      credit_lent: amount,
      held: amount,
      unsettled: amount,
      debt: amount,
      limits: z.array(limit),
    }),
  ),
});

/** Accounts right below one, by the grants it has issued. */
export const childrenPage = pageOf(
  z.strictObject({
    account,
    grant: hash,
    id: hash,
    status: z.enum(['offered', 'active', 'revoked', 'expired']),
    valid_until: time,
    spent: amount,
    /** Until when the account has reported what it spent; absent where all of it is reported. */
    reported_at: z.exactOptional(time),
    leased_until: time,
  }),
);

/** What became of an order. `acknowledged` know of it; `silent` stop when their lease ends, within 60 s. */
export const ordered = z.strictObject({
  changed: z.boolean(),
  revision: count,
  acknowledged: z.array(account),
  silent: z.array(account),
  /** The ETag afterwards; absent where nothing is there any more. */
  etag: z.exactOptional(hash),
  /** Of a policy: calls that run now, and how many of them it would have refused. */
  in_flight: z.exactOptional(z.strictObject({ held: count, cut_off: count })),
  dry_run: z.exactOptional(z.literal(true)),
  /** Of a policy: its limits below the price of the cheapest tool that it allows. */
  warnings: z.exactOptional(
    z.array(z.strictObject({ field: z.string(), limit: amount, tool: z.string(), price: amount })),
  ),
});
