import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { grantStatus } from './issued.ts';
import { reportedAt } from './lessor.ts';
import type { AccountState } from '../state.ts';
import type { Child, Children } from '../../../src/protocol/account/grant.ts';
import { spentOf } from './tree-codec.ts';
import type { ChildRow, TreeStorage } from './tree-storage.ts';
import type { IssuedGrant } from './tree.ts';

/** The most that one page holds. */
const MAX_PAGE = 500;

/** A page of the accounts that this one has granted to, by the hashes of their grants. Reads no more than it shows. */
export const children = (
  state: AccountState,
  storage: Pick<TreeStorage, 'loadChildren'>,
  after: Hex | undefined,
  limit: number | undefined,
  context: Context,
): Decision<Children> => {
  const size = Math.min(MAX_PAGE, Math.max(1, Math.trunc(limit ?? MAX_PAGE)));
  const rows = storage.loadChildren(after, size + 1);
  const shown = rows.slice(0, size);
  const last = shown.at(-1)?.issued.grant.hash;
  return unchanged(state, {
    children: shown.map((row) => childOf(state, row, context)),
    ...(rows.length > size && last !== undefined ? { next: last } : {}),
  });
};

const childOf = (state: AccountState, { issued, lease }: ChildRow, context: Context): Child => {
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
