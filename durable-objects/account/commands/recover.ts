import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { done, logged } from './command-answer.ts';

/**
 * Brings an account whose object was restored to an earlier time, or lost, forward to the head of its stored log. Its next entry continues
 * that log, and states the entries that the account has forgotten.
 *
 * Attack: the account has forgotten calls that it accepted, so their proofs would run a second time. Until the last of them has expired it
 * starts no call (law 3). Repeats of calls that it still knows get their answers.
 */
export const recover = (
  state: AccountState,
  { head, until }: Extract<AccountCommand, { readonly kind: 'recover' }>,
  context: Context,
): Decision<CommandVerdict> => {
  if (head.seq <= state.head.seq) return done(state, false);
  const detail = { from: state.head.seq + 1, to: head.seq, until };
  const forward = { ...state, head, exported: head.seq, startsAgainAt: until };
  return logged(
    forward,
    { type: 'alert.raised', rule: 'account_behind', outcome: detail },
    context,
  );
};

/** Whether proofs that the account has accepted and forgotten may still be valid. */
export const isRecovering = ({ startsAgainAt = 0 }: AccountState, { now }: Context): boolean =>
  now < startsAgainAt;
