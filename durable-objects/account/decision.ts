import type { CallRecord } from './call/call-record.ts';
import { CALL } from './call/stored-call.ts';
import { ACCOUNT, type AccountState } from './state.ts';
import { ancestorsOf, cutOffCount } from './tree/ancestors.ts';
import type { Decision as StoreDecision } from '../store/decision.ts';
import { put } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';
import { link } from '../../src/audit/entry.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { AssetId } from '../../src/protocol/account-id.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { NewCallEntry, NewEntry } from '../../src/protocol/log/new-entry.ts';

/** The inputs of a decision besides the account and the call's own record. */
export type Context = {
  readonly now: Seconds;
  /** Stored nouns, including the writes of earlier decisions in the group. */
  readonly read: Reader;
  readonly policy: Policy;
  readonly policyHash: Hex;
  /** How many bytes of log the commands of one account may write in a day. */
  readonly commandBytes: number;
  /** 16 fresh random bytes for each entry. */
  readonly salt: () => Hex;
  /** The number of equal parts into which the remaining amount is divided for a holder of this grant (`tree/issued-lease.ts`). */
  readonly leaseParts: (issued: Hex) => number;
  /**
   * The number of calls that failed, or may still fail, and whose payments can still move: each costs nothing, and the account remembers it
   * until its authorization ends.
   */
  readonly released: () => number;
  /** When the oldest of its open delivered payments began to wait for the chain; undefined if none waits. */
  readonly openSince: (asset: AssetId) => Seconds | undefined;
  /** Characters of the stored values in memory (`call/memory-limit.ts`). */
  readonly characters: () => number;
};

/** The writes and the verdict of an account's decision. */
export type Decision<Verdict> = StoreDecision<AccountState, Verdict>;

/** An answer that stores nothing. Changes in `state` stay in memory only. */
export const unstored = <Verdict>(state: AccountState, verdict: Verdict): Decision<Verdict> => ({
  state,
  writes: [],
  entries: [],
  verdict,
});

/** A change of the account itself. */
export const stored = <Verdict>(
  state: AccountState,
  verdict: Verdict,
  entries: readonly Entry[] = [],
): Decision<Verdict> => ({ state, writes: [put(ACCOUNT, state)], entries, verdict });

/** A change of one call's record. */
export const changed = <Verdict>(
  state: AccountState,
  record: CallRecord,
  verdict: Verdict,
): Decision<Verdict> => ({ state, writes: [put(CALL, record)], entries: [], verdict });

/**
 * Appends an entry to the account's chain. The first one after the account learns that an ancestor was cut off names the ancestors that
 * remain: a reader of the log alone must know whose descendant the account is (`docs/wire-format.md` §15).
 */
export const enter = (
  state: AccountState,
  { now, salt }: Pick<Context, 'now' | 'salt'>,
  body: NewEntry,
): { readonly state: AccountState; readonly entry: Entry } => {
  const cutOff = cutOffCount(state, now);
  const isNews = cutOff > (state.tree.cutOff ?? 0);
  const { entry, head } = link(state.head, state.account, salt(), {
    at: now,
    ...body,
    ...(isNews
      ? { outcome: { ...body.outcome, ancestors: ancestorsOf(state).slice(cutOff) } }
      : {}),
  });
  const tree = isNews ? { ...state.tree, cutOff } : state.tree;
  return { state: { ...state, head, tree }, entry };
};

/** Appends an entry to the account's chain, and to the call that it is about. */
export const append = (
  state: AccountState,
  record: CallRecord,
  context: Pick<Context, 'now' | 'salt'>,
  body: NewCallEntry,
): { readonly state: AccountState; readonly record: CallRecord; readonly hash: Hex } => {
  const { id: call, tool, request } = record;
  const entered = enter(state, context, { ...body, call, tool, request });
  return {
    state: entered.state,
    record: { ...record, entries: [...record.entries, entered.entry] },
    hash: entered.state.head.hash,
  };
};
