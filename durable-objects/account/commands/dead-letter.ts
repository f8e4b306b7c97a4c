import type { Context, Decision } from '../decision.ts';
import { evidenceOf } from './ordered.ts';
import type { AccountState } from '../state.ts';
import { noted } from './tree-change.ts';
import type { Governed } from '../../../src/protocol/account/applied.ts';
import type { TreeOrder } from '../../../src/protocol/account/command.ts';

const MAX_TEXT = 512;

/** Sending a letter again changes nothing here: the signature that ordered it is kept, and is good for once. */
export const noteLetter = (
  state: AccountState,
  { letter, queue, by, order }: Extract<TreeOrder, { readonly kind: 'letter' }>,
  context: Context,
): Decision<Governed> =>
  noted(
    state,
    {
      type: 'letter.redriven',
      outcome: { letter: plain(letter), queue: plain(queue) },
      evidence: evidenceOf(order, by),
    },
    context,
  );

const plain = (text: string): string => text.slice(0, MAX_TEXT).toWellFormed();
