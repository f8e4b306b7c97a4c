import { type CallRecord, isFinal } from './call-record.ts';
import { entryText } from '../../../src/audit/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';

/**
 * The latest open calls as stored, so that the request that ends a call need not read and decode it again. Final calls are never here,
 * so none outlives its stored value.
 */
export type WholeCalls = {
  load(id: Hex): CallRecord | undefined;
  /** Keeps a stored record, unless its call is final. */
  keep(record: CallRecord): void;
};

type Kept = {
  readonly record: CallRecord;
  readonly characters: number;
  /** The calls of the account that keeps it. */
  readonly calls: Map<Hex, Kept>;
};

/**
 * The calls that several accounts keep, oldest first, and the most characters of entries and answers that they keep together. It only
 * evicts: an account reads its own calls alone.
 *
 * Race: an object that was replaced, or whose commit failed, may have kept calls that no storage holds. Its successor starts without calls,
 * and what the predecessor left is evicted as the oldest.
 */
export type CallLimit = { readonly most: number; readonly kept: Set<Kept>; characters: number };

export const openCallLimit = (most: number): CallLimit => ({
  most,
  kept: new Set(),
  characters: 0,
});

/** About 2,000 calls: hundreds of accounts may share the memory of one isolate, and all calls of the last seconds are open. */
const ISOLATE = openCallLimit(4 * 1_024 * 1_024);

export const openWholeCalls = (limit: CallLimit = ISOLATE): WholeCalls => {
  const calls = new Map<Hex, Kept>();
  return {
    load: (id) => calls.get(id)?.record,
    keep(record) {
      const known = calls.get(record.id);
      if (known !== undefined) drop(limit, known);
      if (isFinal(record)) return;
      const characters = sizeOf(record);
      // A long answer must not evict all others only to be evicted itself.
      if (characters > limit.most) return;
      const kept: Kept = { record, characters, calls };
      calls.set(record.id, kept);
      limit.kept.add(kept);
      limit.characters += characters;
      for (const oldest of limit.kept) {
        if (limit.characters <= limit.most) return;
        drop(limit, oldest);
      }
    },
  };
};

const drop = (limit: CallLimit, kept: Kept): void => {
  kept.calls.delete(kept.record.id);
  limit.kept.delete(kept);
  limit.characters -= kept.characters;
};

const sizeOf = ({ entries, answer }: CallRecord): number => {
  let characters = answer?.body.length ?? 0;
  for (const entry of entries) characters += entryText(entry).length;
  return characters;
};
