import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { put } from '../../store/noun.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { done, logged } from './command-answer.ts';
import { isLogged, LOGGED_TEXT } from './document.ts';

/**
 * Records that the archive wrote an object: a reader of the account's log can tell whether the object in R2 is unchanged (law 11). The
 * SHA-256 is remembered, so a run that died after this entry records nothing twice.
 */
export const recordArchived = (
  state: AccountState,
  { name, sha256, bytes, entries }: Extract<AccountCommand, { readonly kind: 'archived' }>,
  context: Context,
): Decision<CommandVerdict> => {
  if (isLogged(context.read, sha256)) return done(state, false);
  const outcome = { name, sha256, bytes, entries };
  const decision = logged(state, { type: 'archive.written', outcome }, context);
  const remembered = put(LOGGED_TEXT, { hash: sha256, at: context.now });
  return { ...decision, writes: [...decision.writes, remembered] };
};
