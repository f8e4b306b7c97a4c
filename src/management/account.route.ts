import * as z from 'zod/mini';
import {
  account,
  amount,
  asset,
  commandOutcome,
  count,
  datedPageOf,
  hash,
  label,
  labelPart,
  listQuery,
  oneOf,
  pageOf,
  pageQuery,
  time,
} from './fields.ts';
import { policyDocument } from './policy.route.ts';
import { OPERATOR, READERS, type RouteTable, SMALL_BODY, WRITERS } from './route.ts';

const STATUSES = ['active', 'paused', 'frozen', 'revoked'] as const;
const status = oneOf(STATUSES);

const accountsQuery = listQuery({
  parent: z.exactOptional(account),
  status: z.exactOptional(status),
  label: z.exactOptional(labelPart),
});

const LABEL = 'must be an object {label}, with null for none';
const labelBody = z.strictObject({ label: z.nullable(label) }, LABEL);
const statusBody = z.strictObject({ status }, 'must be an object {status}');
const defaultGrantBody = z.strictObject({ grant: hash }, 'must be an object {grant}');

/** An account in a list. `status`: the stricter of its operator's and its owner's. */
export const accountItem = z.strictObject({
  account,
  parent: z.exactOptional(account),
  label: z.exactOptional(z.string()),
  status: z.enum(STATUSES),
  operator_status: z.exactOptional(z.enum(STATUSES)),
  first_at: z.exactOptional(time),
});

const limit = z.strictObject({
  rule: z.string(),
  limit: amount,
  spent: amount,
  held: amount,
  remaining: amount,
  resets_at: z.exactOptional(time),
  window: z.exactOptional(count),
  account: z.exactOptional(account),
  /** The held grant that sets the limit. */
  grant: z.exactOptional(hash),
});

/** The standing of an account: its policies, what remains of each limit, its money. */
export const standingSchema = z.strictObject({
  account,
  label: z.exactOptional(z.string()),
  status: z.enum(STATUSES),
  operator_status: z.enum(STATUSES),
  owner_status: z.enum(STATUSES),
  revision: count,
  parent: z.exactOptional(account),
  /** A screening has listed the account, and none has cleared it since. */
  credit_frozen: z.exactOptional(z.literal(true)),
  /** Values of `If-Match` for the policy of each slot, and for the label. */
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
      /** Its terms as a policy, even after it has ended. */
      policy: policyDocument,
    }),
  ),
  money: z.array(
    z.strictObject({
      asset,
      credit: amount,
      credit_held: amount,
      /** The part of `credit_held` that descendants hold; they report their spend of it within 70 s. */
      credit_lent: amount,
      held: amount,
      unsettled: amount,
      debt: amount,
      limits: z.array(limit),
    }),
  ),
});

/** Children of an account, by the grants it issued. */
const childrenPage = pageOf(
  z.strictObject({
    account,
    /** Its label, once it has taken a grant of this tree. */
    label: z.exactOptional(z.string()),
    grant: hash,
    id: hash,
    status: z.enum(['offered', 'active', 'revoked', 'expired']),
    valid_until: time,
    spent: amount,
    /** The asset of `spent`, the only asset of the grant. Absent: the grant allows no spending. */
    asset: z.exactOptional(asset),
    /** The time up to which the child has reported its spend; absent if it has reported all of it. */
    reported_at: z.exactOptional(time),
    leased_until: time,
    /** The terms of the grant as a policy, also of an offered or ended one. */
    policy: policyDocument,
  }),
);

/** `to`: the last entry that D1 has of the account. `starts_again_at`: the account starts no call before this time. */
const recovered = z.strictObject({ changed: z.boolean(), to: count, starts_again_at: time });

export const ACCOUNT_ROUTES = {
  'accounts.list': {
    path: 'GET /admin/accounts',
    roles: OPERATOR,
    query: accountsQuery,
    summary: 'Lists accounts: all of them, or the children of one',
    answer: datedPageOf(accountItem),
    readsLog: true,
  },
  'accounts.put': {
    path: 'PUT /admin/accounts/:account',
    roles: OPERATOR,
    body: labelBody,
    maxBody: SMALL_BODY,
    precondition: 'etag',
    summary: 'Labels an account, known or new',
    answer: commandOutcome,
  },
  'accounts.status': {
    path: 'PUT /admin/accounts/:account/status',
    roles: OPERATOR,
    body: statusBody,
    maxBody: SMALL_BODY,
    summary: "Sets the operator's status of an account",
    answer: commandOutcome,
  },
  'accounts.recover': {
    path: 'POST /admin/accounts/:account/recover',
    roles: OPERATOR,
    summary:
      'Brings an account of a paused gateway, whose object was restored or lost, forward to its log',
    answer: recovered,
  },
  'account.get': {
    path: 'GET /accounts/:account',
    roles: READERS,
    summary: 'Shows the standing of an account',
    answer: standingSchema,
  },
  'account.put': {
    path: 'PUT /accounts/:account',
    roles: WRITERS,
    body: labelBody,
    maxBody: SMALL_BODY,
    precondition: 'etag',
    summary: 'Labels an account',
    answer: commandOutcome,
  },
  'accounts.erase': {
    path: 'DELETE /admin/accounts/:account/data',
    roles: OPERATOR,
    summary: 'Erases the label and the stored answers of an account; its log stays',
    answer: commandOutcome,
  },
  'account.erase': {
    path: 'DELETE /accounts/:account/data',
    roles: WRITERS,
    summary: 'Erases the label and the stored answers of an account; its log stays',
    answer: commandOutcome,
  },
  'account.status': {
    path: 'PUT /accounts/:account/status',
    roles: WRITERS,
    body: statusBody,
    maxBody: SMALL_BODY,
    summary: "Sets the owner's status of an account",
    answer: commandOutcome,
  },
  'account.default': {
    path: 'PUT /accounts/:account/default-grant',
    roles: WRITERS,
    body: defaultGrantBody,
    maxBody: SMALL_BODY,
    summary: 'Sets the default grant, used by calls that name none',
    answer: commandOutcome,
  },
  'account.tree': {
    path: 'GET /accounts/:account/tree',
    roles: READERS,
    query: pageQuery,
    summary: 'Lists the children of an account',
    answer: childrenPage,
  },
} as const satisfies RouteTable;
