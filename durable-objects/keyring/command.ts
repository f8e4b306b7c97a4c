import type { Entry, Json } from '../../src/protocol/entry.ts';
import type { SignerCommandType } from '../../src/protocol/log/entry-types.ts';
import type { NewEntryOf, Omitting } from '../../src/protocol/log/new-entry.ts';
import type {
  CommandAnswer,
  CommandChange,
  CommandFault,
  OwnerIntent,
} from '../../src/signer/keyring-contract.ts';
import { put, type Write } from '../store/noun.ts';
import { BURNT } from './slot.ts';
import { type Context, type Decision, enter, type KeyringState, unstored } from './state.ts';

/** What a command would change. Without entries it changes nothing. */
export type Change = {
  readonly state: KeyringState;
  readonly writes: readonly Write[];
  readonly entries: readonly Omitting<NewEntryOf<SignerCommandType>, 'at' | 'evidence'>[];
  readonly answer: Omit<CommandChange, 'verdict' | 'changed' | 'entry'>;
};

export type Changing = (
  state: KeyringState,
  context: Context,
) => Change | { readonly fault: CommandFault };

/** The most agents of one entry: an entry has at most 64 KiB (`MAX_ENTRY_TEXT`). */
const AGENTS_PER_ENTRY = 200;

/** The agents of a command, in the parts that its entries name. */
export const inParts = <T>(all: readonly T[]): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / AGENTS_PER_ENTRY) }, (_, at) =>
    all.slice(at * AGENTS_PER_ENTRY, (at + 1) * AGENTS_PER_ENTRY),
  );

/**
 * Applies a command once: its intent is burnt in the transaction that applies it. Every entry carries the owner's signed command, so an
 * auditor can recompute who ordered it.
 */
export const decideCommand = (
  state: KeyringState,
  { fields, signature, digest, until }: OwnerIntent,
  change: Changing,
  context: Context,
): Decision<CommandAnswer> => {
  if (context.read.get(BURNT, digest) !== undefined) {
    return unstored(state, { verdict: 'refused', fault: { reason: 'already_used' } });
  }
  const changed = change(state, context);
  if ('fault' in changed) return unstored(state, { verdict: 'refused', fault: changed.fault });
  const evidence: { readonly [key: string]: Json } = {
    order: fields,
    signature,
    by: state.owner,
    role: 'owner',
  };
  const entries: Entry[] = [];
  let current = changed.state;
  for (const body of changed.entries) {
    const entered = enter(current, context.now, { ...body, evidence });
    current = entered.state;
    entries.push(entered.entry);
  }
  const isChanged = entries.length > 0;
  return {
    state: current,
    // A command that changes nothing may be sent again.
    writes: isChanged ? [put(BURNT, { id: digest, until }), ...changed.writes] : [],
    entries,
    verdict: {
      verdict: 'done',
      changed: isChanged,
      ...(isChanged ? { entry: current.head.seq } : {}),
      ...changed.answer,
    },
  };
};
