import type {
  CommandFault,
  CommandFieldFault,
  CommandVerdict,
  CreditTooLow,
} from '../../../src/protocol/account/command-verdict.ts';
import type { CommandIntent, CommandSigner } from '../../../src/protocol/account/command.ts';
import type { SignedGrant } from '../../../src/protocol/account/grant.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import type { NewEntry } from '../../../src/protocol/log/new-entry.ts';
import { delegationFields } from '../../../src/protocol/intent/agent-delegation.ts';
import { checkedAt } from '../call/evidence.ts';
import { type Context, type Decision, enter, stored, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { Tree } from '../tree/tree.ts';

type Done = Extract<CommandVerdict, { readonly verdict: 'applied' }>;

/** A valid command that changes nothing. @param changed value of `changed` in the answer: a dry run reports what would change. */
export const done = (
  state: AccountState,
  changed: boolean,
  more: Partial<Done> = {},
): Decision<CommandVerdict> => unstored(state, answerOf(state, changed, more));

export const refused = (
  state: AccountState,
  fault: CommandFieldFault | CommandFault | CreditTooLow,
): Decision<CommandVerdict> => unstored(state, { verdict: 'refused', fault });

/** A change that descendants must learn of: a new revision, and an entry with the signature of the command (law 11). */
export const changedTree = (
  state: AccountState,
  changes: Partial<Tree>,
  body: NewEntry,
  context: Context,
  more: Partial<Done> = {},
): Decision<CommandVerdict> => {
  const entered = enter(state, context, body);
  const tree: Tree = { ...entered.state.tree, ...changes, revision: state.tree.revision + 1 };
  return applied({ ...entered.state, tree }, more, [entered.entry]);
};

/** A change that decides nothing for descendants: an entry, and no new revision. */
export const logged = (
  state: AccountState,
  body: NewEntry,
  context: Context,
  more: Partial<Done> = {},
): Decision<CommandVerdict> => {
  const entered = enter(state, context, body);
  const { seq, at } = entered.entry;
  return applied(entered.state, { ...more, entry: { seq, at } }, [entered.entry]);
};

/** A command that was carried out. */
export const applied = (
  state: AccountState,
  more: Partial<Done> = {},
  entries: Decision<CommandVerdict>['entries'] = [],
): Decision<CommandVerdict> => stored(state, answerOf(state, true, more), entries);

const answerOf = (
  { tree }: AccountState,
  changed: boolean,
  more: Partial<Done>,
): CommandVerdict => ({
  verdict: 'applied',
  changed,
  revision: tree.revision,
  acknowledged: [],
  silent: [],
  ...more,
});

/** The account must ask its ancestors before it can decide the command. */
export type AskAncestors = { readonly verdict: 'ask_ancestors' };

export const ASK_ANCESTORS: AskAncestors = { verdict: 'ask_ancestors' };

/** A fault in a field of a delegation. */
export const wrong = (field: string, expected: string, got: string): CommandFieldFault => ({
  ...{ reason: 'grant_refused', field: `delegation.${field}`, expected, got },
});

/** The signed intent of a command, and its signer (law 11). */
export const commandEvidence = (
  { fields, signature }: CommandIntent,
  by: CommandSigner | undefined,
): { readonly [key: string]: Json } => ({
  order: fields,
  signature,
  ...(by === undefined ? {} : { by: by.account, role: by.role, ...checkedAt(by) }),
});

/** The grant as signed: anyone can check it offline (law 11). */
export const grantEvidence = (grant: SignedGrant): { readonly [key: string]: Json } => ({
  grant: grant.hash,
  delegation: delegationFields(grant.delegation),
  signature: grant.signature,
  ...checkedAt(grant),
});
