import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { put } from '../../store/noun.ts';
import { CALL, loadCall } from '../call/stored-call.ts';
import type { Context, Decision } from '../decision.ts';
import type { Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import { commandEvidence, done, logged } from './command-answer.ts';

/**
 * Erases the label of an account, and the stored answers of all calls that it has accepted so far. The log keeps its entries: each proves
 * the one before it (docs/data.md).
 *
 * Only the answers of open calls are written again. Those of ended calls are in pages, which may have gigabytes: no request gets them any
 * more (`answerOf`), and they leave with their pages.
 */
export const erase = (
  state: AccountState,
  { by, intent }: Extract<AccountCommand, { readonly kind: 'erase' }>,
  context: Context,
  live: Memory['live'],
): Decision<CommandVerdict> => {
  const { label, ...tree } = state.tree;
  const { seq } = state.head;
  if (seq === 0 || seq === state.erased?.seq) return done(state, false);
  const { now: at, read } = context;
  const decision = logged(
    { ...state, tree, erased: { at, seq: seq + 1 } },
    {
      type: 'account.erased',
      outcome: { label: label !== undefined, until: at },
      evidence: commandEvidence(intent, by),
    },
    context,
  );
  const writes = [...live.keys()].flatMap((id) => {
    const record = loadCall(read, id);
    return record?.answer === undefined ? [] : [put(CALL, { ...record, answer: undefined })];
  });
  return { ...decision, writes: [...decision.writes, ...writes] };
};
