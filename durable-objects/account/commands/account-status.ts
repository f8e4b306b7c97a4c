import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand, Status } from '../../../src/protocol/account/command.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { isRaised, mayReplace } from '../tree/ancestors.ts';
import type { Tree } from '../tree/tree.ts';
import { changedTree, commandEvidence, done, refused } from './command-answer.ts';
import { documentHash, mismatch } from './precondition.ts';

type StatusCommand = Extract<AccountCommand, { readonly kind: 'status' }>;

const ORDER: readonly Status[] = ['active', 'paused', 'frozen', 'revoked'];

export const worse = (one: Status, other: Status): Status =>
  ORDER.indexOf(one) < ORDER.indexOf(other) ? other : one;

/** The operator's status and the owner's: neither can lift the status that the other has set. */
export const withStatuses = (tree: Tree): Tree => ({
  ...tree,
  status: worse(tree.operatorStatus ?? 'active', tree.ownerStatus?.status ?? 'active'),
});

export const statusHash = (status: Status): Hex => documentHash({ status });

/** `revoked` is final; any other status may follow any other. Running calls may end. */
export const setStatus = (
  state: AccountState,
  { status, by, expected, intent }: StatusCommand,
  context: Context,
): Decision<CommandVerdict> => {
  const side = by?.role === 'owner' ? 'owner' : 'operator';
  const { operatorStatus = 'active', ownerStatus } = state.tree;
  const now = side === 'operator' ? operatorStatus : (ownerStatus?.status ?? 'active');
  const writer = side === 'operator' ? undefined : ownerStatus?.by;
  const author = side === 'operator' ? undefined : by?.account;
  const fault = mismatch(expected, statusHash(now));
  if (fault !== undefined) return refused(state, fault);
  const current = statusHash(status);
  if (now === status) {
    if (status === 'active' || !isRaised(state, author, writer)) {
      return done(state, false, { current });
    }
  } else if (!mayReplace(state, author, writer)) {
    return refused(state, { reason: 'forbidden' });
  } else if (now === 'revoked') {
    return refused(state, {
      reason: 'grant_refused',
      field: 'status',
      expected: 'revoked, which is for ever',
      got: status,
    });
  }
  const tree = withStatuses(
    side === 'operator'
      ? { ...state.tree, operatorStatus: status }
      : { ...state.tree, ownerStatus: ownerStatusOf(status, author) },
  );
  return changedTree(
    { ...state, tree },
    {},
    {
      type: 'account.status',
      decision: status,
      outcome: { side, status: tree.status },
      evidence: commandEvidence(intent, by),
    },
    context,
    { current },
  );
};

/** An active status has no writer, so any ancestor may freeze the account later. */
const ownerStatusOf = (
  status: Status,
  author: AccountId | undefined,
): NonNullable<Tree['ownerStatus']> =>
  status === 'active' || author === undefined ? { status } : { status, by: author };

/** Whether an ancestor has stopped the account. */
export const isStopped = ({ account, tree: { ownerStatus } }: AccountState): boolean =>
  ownerStatus?.by !== undefined && ownerStatus.by !== account;
