import type { AssetId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../src/protocol/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { link } from '../../src/audit/entry.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Decision as StoreDecision } from '../store/decision.ts';
import { put } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';
import { CALL } from './call/call-noun.ts';
import type { CallRecord } from './call/record.ts';
import { ACCOUNT, type AccountState } from './state.ts';

/** What a decision may look at besides the account and the call's own record. */
export type Context = {
  readonly now: Seconds;
  /** Stored nouns, with what the decisions before this one in the group have written. */
  readonly read: Reader;
  readonly policy: Policy;
  readonly policyHash: Hex;
  /** How many bytes of log the commands of one account may write in a day. */
  readonly commandBytes: number;
  /** 16 fresh random bytes for each entry. */
  readonly salt: () => Hex;
  /** Into how many equal parts what remains is divided for a holder of this grant (`tree/lessees.ts`). */
  readonly leaseParts: (issued: Hex) => number;
  /** Calls that failed, or may, and whose payments can still move: each costs nothing, and is remembered until its authorization ends. */
  readonly released: () => number;
  /** Since when the longest open of its delivered payments has waited for the chain; undefined where none does. */
  readonly openSince: (asset: AssetId) => Seconds | undefined;
};

/** What a decision of an account wants written, and its answer. */
export type Decision<Verdict> = StoreDecision<AccountState, Verdict>;

/** An answer that stores nothing. What changed in `state` is kept in memory alone. */
export const unchanged = <Verdict>(state: AccountState, verdict: Verdict): Decision<Verdict> => ({
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

/** Appends an entry to the account's chain. */
export const enter = (
  state: AccountState,
  { now, salt }: Pick<Context, 'now' | 'salt'>,
  body: Omit<EntryBody, 'at'> & Partial<Pick<EntryBody, 'at'>>,
): { readonly state: AccountState; readonly entry: Entry } => {
  const { entry, head } = link(state.head, state.account, salt(), { at: now, ...body });
  return { state: { ...state, head }, entry };
};

/** Appends an entry to the account's chain, and to the call that it is about. */
export const append = (
  state: AccountState,
  record: CallRecord,
  context: Pick<Context, 'now' | 'salt'>,
  body: Omit<EntryBody, 'at' | 'call' | 'tool' | 'request'>,
): { readonly state: AccountState; readonly record: CallRecord; readonly hash: Hex } => {
  const { id: call, tool, request } = record;
  const entered = enter(state, context, { ...body, call, tool, request });
  return {
    state: entered.state,
    record: { ...record, entries: [...record.entries, entered.entry] },
    hash: entered.state.head.hash,
  };
};
