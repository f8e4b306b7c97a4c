import type {
  CommandFault,
  CommandFieldFault,
  CommandVerdict,
  CreditTooLow,
} from '../../../src/protocol/account/command-verdict.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { type Context, type Decision, enter, stored, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { Tree } from '../tree/tree.ts';

type Done = Extract<CommandVerdict, { readonly verdict: 'applied' }>;

/** A valid command that changes nothing. @param changed the answer's `changed`: a dry run reports what would change. */
export const done = (
  state: AccountState,
  changed: boolean,
  more: Partial<Done> = {},
): Decision<CommandVerdict> => unchanged(state, answerOf(state, changed, more));

export const refused = (
  state: AccountState,
  fault: CommandFieldFault | CommandFault | CreditTooLow,
): Decision<CommandVerdict> => unchanged(state, { verdict: 'refused', fault });

/** A change that descendants must learn of: a new revision, and an entry with the signature of the command (law 11). */
export const changedTree = (
  state: AccountState,
  changes: Partial<Tree>,
  body: Omit<EntryBody, 'at'>,
  context: Context,
  more: Partial<Done> = {},
): Decision<CommandVerdict> => {
  const entered = enter(state, context, body);
  const tree: Tree = { ...state.tree, ...changes, revision: state.tree.revision + 1 };
  return applied({ ...entered.state, tree }, more, [entered.entry]);
};

/** A change that decides nothing for descendants: an entry, and no new revision. */
export const logged = (
  state: AccountState,
  body: Omit<EntryBody, 'at'>,
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
