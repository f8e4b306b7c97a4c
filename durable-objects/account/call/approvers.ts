import type { Source } from '../../../src/policy/evaluate.ts';
import { asksApproval } from '../../../src/policy/rules/approve-above.ts';
import type { CommandSigner } from '../../../src/protocol/account/command.ts';
import type { AccountState } from '../state.ts';
import { ancestorsOf } from '../tree/ancestors.ts';
import type { Park } from './call-record.ts';
import type { Reservation } from './reservation.ts';

/**
 * The policy that makes a call wait, and who may decide on the call: the owner that wrote the policy, every ancestor above that owner,
 * and operators. If several policies ask, the highest writer counts: the answer of an account below it would bypass its policy.
 */
export const askedBy = ({ state, own, ancestors, call }: Reservation): Park | undefined => {
  const [first, ...others] = [...own, ...ancestors].filter(({ policy }) =>
    asksApproval(policy, call.price),
  );
  if (first === undefined || call.topUp !== undefined) return undefined;
  const highest = others.reduce(
    (high, each) => (rankOf(state, each) > rankOf(state, high) ? each : high),
    first,
  );
  const approver = ancestorsOf(state)[rankOf(state, highest)];
  return {
    asked: highest.origin.account,
    above: (highest.policy.approveAbove ?? 0n).toString(),
    ...(approver === undefined ? {} : { approver }),
  };
};

/**
 * The distance of a policy's writer from the account. Operators rank above every ancestor, and decide where the writer is not an ancestor.
 */
const rankOf = (state: AccountState, { origin, writer }: Source): number => {
  const rank =
    origin.kind === 'owner' && writer !== undefined ? ancestorsOf(state).indexOf(writer) : -1;
  return rank < 0 ? Infinity : rank;
};

/** Whether a signer may decide on a parked call. Attack: an agent approves a call of its own, with a key that an operator also uses. */
export const mayDecide = (
  state: AccountState,
  { approver }: Pick<Park, 'approver'>,
  by: CommandSigner,
): boolean => {
  if (by.account === state.account) return false;
  if (by.role === 'operator') return true;
  if (approver === undefined) return false;
  const ancestors = ancestorsOf(state);
  const needed = ancestors.indexOf(approver);
  return needed >= 0 && ancestors.indexOf(by.account) >= needed;
};
