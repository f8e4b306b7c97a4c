import { link } from '../../../src/audit/entry.ts';
import { type EntryBody } from '../../../src/protocol/entry.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type {
  CommandFault,
  CreditTooLow,
  FieldFault,
} from '../../../src/protocol/account/command-fault.ts';
import type { Tree } from '../tree/tree.ts';

type Done = Extract<Applied, { readonly verdict: 'applied' }>;

/** An order that was right and changes nothing, or had been carried out before. */
export const done = (
  state: AccountState,
  changed: boolean,
  more: Partial<Done> = {},
): Decision<Applied> => unchanged(state, governed(state, changed, more));

export const refused = (
  state: AccountState,
  fault: FieldFault | CommandFault | CreditTooLow,
): Decision<Applied> => unchanged(state, { verdict: 'refused', fault });

/** A change that those below must hear of: a new revision, and an entry with the signature that ordered it (law 11). */
export const changedTree = (
  state: AccountState,
  changes: Partial<Tree>,
  body: Omit<EntryBody, 'at'>,
  context: Context,
  more: Partial<Done> = {},
): Decision<Applied> => {
  const { entry, head } = link(state.head, state.account, context.salt(), {
    ...body,
    at: context.now,
  });
  const tree: Tree = { ...state.tree, ...changes, revision: state.tree.revision + 1 };
  const next = { ...state, head, tree };
  return {
    state: next,
    records: [],
    loose: [entry],
    durable: true,
    verdict: governed(next, true, more),
  };
};

/** A change that decides nothing below: an entry, and no new revision. */
export const noted = (
  state: AccountState,
  body: Omit<EntryBody, 'at'>,
  context: Context,
  more: Partial<Done> = {},
): Decision<Applied> => {
  const { entry, head } = link(state.head, state.account, context.salt(), {
    ...body,
    at: context.now,
  });
  const { seq, at } = entry;
  return { ...told({ ...state, head }, { ...more, entry: { seq, at } }), loose: [entry] };
};

/** What was carried out, without its records or entries. */
export const told = (state: AccountState, more: Partial<Done> = {}): Decision<Applied> => ({
  state,
  records: [],
  loose: [],
  durable: true,
  verdict: governed(state, true, more),
});

const governed = ({ tree }: AccountState, changed: boolean, more: Partial<Done>): Applied => ({
  verdict: 'applied',
  changed,
  revision: tree.revision,
  acknowledged: [],
  silent: [],
  ...more,
});
