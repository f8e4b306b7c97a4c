import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { commandEvidence } from './command-evidence.ts';
import { logged } from './command-answer.ts';

const MAX_TEXT = 512;

/** Records that an operator resent a dead letter. It changes nothing else here; its signed intent is valid once. */
export const noteLetter = (
  state: AccountState,
  { id, queue, by, order }: Extract<AccountCommand, { readonly kind: 'deadLetter' }>,
  context: Context,
): Decision<CommandVerdict> =>
  logged(
    state,
    {
      type: 'letter.redriven',
      outcome: { letter: plain(id), queue: plain(queue) },
      evidence: commandEvidence(order, by),
    },
    context,
  );

const plain = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();
