import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Child, Children } from '../../../src/protocol/account/grant.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { grantStatus } from './authority-over.ts';
import { ISSUED_GRANT, type IssuedGrant } from './grants.ts';
import { leaseOf, reportedAt, spentOf } from './issued-lease.ts';

/** The most children on one page. */
const MAX_PAGE = 500;

/** A page of the account's children, by the hashes of their grants. */
export const children = (
  state: AccountState,
  after: Hex | undefined,
  limit: number | undefined,
  context: Context,
): Decision<Children> => {
  const size = Math.min(MAX_PAGE, Math.max(1, Math.trunc(limit ?? MAX_PAGE)));
  const rows = [
    ...context.read.find(ISSUED_GRANT, {
      ...(after === undefined ? {} : { where: [['key', '>', after]] }),
      limit: size + 1,
    }),
  ];
  const shown = rows.slice(0, size);
  const last = shown.at(-1)?.grant.hash;
  return unstored(state, {
    children: shown.map((row) => childOf(state, row, context)),
    ...(rows.length > size && last !== undefined ? { next: last } : {}),
  });
};

const childOf = (state: AccountState, issued: IssuedGrant, context: Context): Child => {
  // Only the delegate's own lease: the issuers of its descendants list those.
  const lease = leaseOf(context.read, issued.child, issued.grant.hash);
  const { delegation, hash } = issued.grant;
  const until = lease?.until ?? 0;
  const reported = lease === undefined ? undefined : reportedAt(lease);
  return {
    account: issued.child satisfies AccountId,
    grant: hash,
    id: delegation.id,
    status: statusOf(state, issued, context),
    validUntil: Number(delegation.validUntil),
    spent: (lease === undefined ? 0n : spentOf(lease)).toString(),
    leasedUntil: until > context.now ? until : 0,
    delegation,
    ...(reported === undefined ? {} : { reportedAt: reported }),
  };
};

const statusOf = (
  state: AccountState,
  { grant, status }: IssuedGrant,
  context: Context,
): Child['status'] => {
  const own = grantStatus(
    state,
    grant.delegation,
    status === 'revoked' ? status : 'active',
    context,
  );
  return own === 'active' && status === 'offered' ? 'offered' : own;
};
