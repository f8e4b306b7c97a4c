import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { min } from '../../../src/protocol/amount.ts';
import { put } from '../../store/noun.ts';
import { type CallRecord, keepsHold } from '../call/call-record.ts';
import { CALL } from '../call/stored-call.ts';
import * as money from '../call/money.ts';
import { append, type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { applied, done, refused } from './command-answer.ts';

type ConcludeCard = Extract<AccountCommand, { readonly kind: 'concludeCard' }>;

/**
 * Ends the hold of a call whose answer was lost, by what its issuer charged the card (law 4): charges that much, or releases the amount.
 * The call stays `abandoned`, because its answer never came. A call that has already ended does not change. The command is refused if the
 * card was charged more than the call, which is then the operator's loss.
 */
export const concludeCard = (
  state: AccountState,
  record: CallRecord | undefined,
  { charged: amount, authorization }: ConcludeCard,
  context: Context,
): Decision<CommandVerdict> => {
  if (record === undefined) return done(state, false);
  // The Worker may still finish the call: the sweep tries again later.
  if (record.state === 'held') return unstored(state, { verdict: 'unavailable' });
  if (!keepsHold(record)) {
    return amount > record.charged
      ? refused(state, { reason: 'not_writable', hint: `The call has ended as ${record.state}.` })
      : done(state, false);
  }
  const charged = min(amount, record.price);
  const entered = append(
    charged > 0n ? money.spend(state, record, charged) : money.release(state, record),
    { ...record, charged },
    context,
    {
      type: 'call.resolved',
      // The issuer's answer decided, so there is no signature of a person.
      rule: 'card',
      decision: charged > 0n ? 'charged' : 'released',
      amounts: { charged: charged.toString(), before: record.charged.toString() },
      outcome:
        charged > 0n
          ? { reason: 'card_charged', authorization: authorization.slice(0, 256) }
          : { reason: 'card_cancelled' },
      payment: { state: record.payment, paidBy: record.paidBy },
    },
  );
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};
