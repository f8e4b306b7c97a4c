import { GENESIS, link } from '../../src/audit/entry.ts';
import { random16 } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { ChainHead, Entry } from '../../src/protocol/entry.ts';
import type { NewEntry } from '../../src/protocol/log/new-entry.ts';
import type { SealedSeed } from '../../src/signer/fleet-seed.ts';
import type { Decision as StoreDecision } from '../store/decision.ts';
import { type GroupCommit, openGroupCommit } from '../store/group-commit.ts';
import { type Noun, put } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';

/** The state of a keyring. It is not stored before its owner's first command. */
export type KeyringState = {
  readonly owner: AccountId;
  readonly head: ChainHead;
  /** Every entry up to this seq is in D1. */
  readonly exported: number;
  readonly seed?: SealedSeed;
  /** Agents ever enrolled. */
  readonly agents: number;
};

const KEYRING: Noun<KeyringState> = {
  name: 'keyring',
  key: ({ owner }) => owner,
  encode: (state) => JSON.stringify(state),
  decode: (text) => JSON.parse(text) as KeyringState,
};

/** The memory of an awake keyring: rebuilt from storage. */
export type Memory = {
  state: KeyringState;
  /** When entries were last sent to the audit queue, and the last of them. */
  sentAt: Seconds;
  sentTo: number;
};

export type Context = { readonly read: Reader; readonly now: Seconds };
export type Decision<Verdict> = StoreDecision<KeyringState, Verdict>;
export type Ledger = GroupCommit<KeyringState, Context, Memory>;

/** Entries wait this long for others, which then share a message. */
const EXPORT_DELAY: Seconds = 10;
/** An export without an acknowledgement is sent again after this long. */
export const EXPORT_RESEND: Seconds = 30;

/** Opens the decisions of one keyring, on the engine that `store/group-commit.ts` describes. */
export const openLedger = (owner: AccountId, storage: DurableObjectStorage): Ledger =>
  openGroupCommit<KeyringState, Context, Memory>(storage, {
    name: owner,
    state: KEYRING,
    wake: (disk) => {
      const [state = { owner, head: GENESIS, exported: 0, agents: 0 }] = disk.find(KEYRING, {
        limit: 1,
      });
      return { state, sentAt: 0, sentTo: state.exported };
    },
    readerOf: (_, disk) => disk,
    contextOf: (_, read, now) => ({ read, now }),
    complete: (_, decision) => decision,
    remember: (memory, { state, entries }) => {
      memory.state = state;
      return entries;
    },
    exportedOf: ({ exported }) => exported,
    nextDue: ({ state, sentAt, sentTo }, now) => {
      if (state.head.seq <= state.exported) return undefined;
      const isSent = sentTo > state.exported;
      return Math.max(now + 1, isSent ? sentAt + EXPORT_RESEND : now + EXPORT_DELAY);
    },
    afterCommit: () => undefined,
  });

/** Appends an entry to the owner's chain. */
export const enter = (
  state: KeyringState,
  now: Seconds,
  body: NewEntry,
): { readonly state: KeyringState; readonly entry: Entry } => {
  const { entry, head } = link(state.head, state.owner, random16(), { at: now, ...body });
  return { state: { ...state, head }, entry };
};

/** An answer that stores nothing. */
export const unstored = <Verdict>(state: KeyringState, verdict: Verdict): Decision<Verdict> => ({
  state,
  writes: [],
  entries: [],
  verdict,
});

/** Stores the keyring itself. */
export const stored = <Verdict>(state: KeyringState, verdict: Verdict): Decision<Verdict> => ({
  state,
  writes: [put(KEYRING, state)],
  entries: [],
  verdict,
});
