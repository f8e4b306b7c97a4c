import { type CallRecord, isFinal } from './call-record.ts';
import { entryText } from '../../../src/audit/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';

/** The maximum size of the kept entries and answers, in characters. Hundreds of accounts may share the memory of one isolate. */
const MAX_CHARACTERS = 65_536;

/**
 * The latest open calls as stored, so that the request that ends a call need not read and decode it again. Final calls are never here,
 * so none outlives its stored value.
 */
export type WholeCalls = {
  load(id: Hex): CallRecord | undefined;
  /** Keeps a stored record, unless its call is final. */
  keep(record: CallRecord): void;
};

export const openWholeCalls = (mostCharacters: number = MAX_CHARACTERS): WholeCalls => {
  const kept = new Map<Hex, { readonly record: CallRecord; readonly characters: number }>();
  let characters = 0;

  const drop = (id: Hex): void => {
    const known = kept.get(id);
    if (known !== undefined && kept.delete(id)) characters -= known.characters;
  };

  return {
    load: (id) => kept.get(id)?.record,
    keep(record) {
      drop(record.id);
      if (isFinal(record)) return;
      const size = sizeOf(record);
      // A long answer must not evict all others only to be evicted itself.
      if (size > mostCharacters) return;
      kept.set(record.id, { record, characters: size });
      characters += size;
      for (const oldest of kept.keys()) {
        if (characters <= mostCharacters) return;
        drop(oldest);
      }
    },
  };
};

const sizeOf = ({ entries, answer }: CallRecord): number =>
  entries.reduce((sum, entry) => sum + entryText(entry).length, answer?.body.length ?? 0);
