import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { recordVerdicts } from '../call/screening.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { hasPaid } from '../state.ts';
import { applied, done } from './command-answer.ts';

/**
 * Records a verdict about an account whose credit another account wanted to use: it freezes that credit for all. Law 12: an account
 * without credit has nothing to freeze.
 */
export const recordScreening = (
  state: AccountState,
  { verdict, settings }: Extract<AccountCommand, { readonly kind: 'screened' }>,
  context: Context,
): Decision<CommandVerdict> => {
  if (verdict.account !== state.account || !hasPaid(state)) return done(state, false);
  const screening = { settings, verdicts: [verdict] };
  const recorded = recordVerdicts(state, { screening }, context);
  return recorded.entries.length === 0
    ? done(state, false)
    : applied(recorded.state, {}, recorded.entries);
};
