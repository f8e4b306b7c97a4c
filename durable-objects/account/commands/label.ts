import type { Hex } from '../../../src/core/hex.ts';
import { isVisible } from '../../../src/core/plain-text.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Context, Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { commandEvidence, done, logged, refused } from './command-answer.ts';
import { documentHash, unseen } from './precondition.ts';

type LabelCommand = Extract<AccountCommand, { readonly kind: 'label' }>;

const MAX_LABEL = 256;

export const labelHash = (label: string): Hex => documentHash({ label });

/** Sets a name for people. It affects no decision, so descendants are not notified. */
export const setLabel = (
  state: AccountState,
  { label, by, expected, intent }: LabelCommand,
  context: Context,
): Decision<CommandVerdict> => {
  if (label !== null && (label.length > MAX_LABEL || !isVisible(label))) {
    return refused(state, {
      reason: 'not_writable',
      hint: `A label is 1 to ${MAX_LABEL} visible characters.`,
    });
  }
  const { label: known, ...rest } = state.tree;
  const next = label === null ? undefined : labelHash(label);
  const fault = unseen(expected, known === undefined ? undefined : labelHash(known), next);
  if (fault !== undefined) return refused(state, fault);
  const more = next === undefined ? {} : { current: next };
  if ((known ?? null) === label) return done(state, false, more);
  return logged(
    { ...state, tree: label === null ? rest : { ...rest, label } },
    { type: 'account.label', outcome: { label }, evidence: commandEvidence(intent, by) },
    context,
    more,
  );
};
