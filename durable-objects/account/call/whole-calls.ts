import { entryText } from '../../../src/audit/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { type CallRecord, isFinal } from './record.ts';

/** Of entries and answers, in characters. Hundreds of accounts may share the memory of one isolate. */
const MOST_CHARACTERS = 65_536;

/**
 * Open calls as storage has them, the latest of them: whoever ends one need not read and decode its row again. A call that nothing can
 * happen to any more is never here, so that none outlives its row.
 */
export type WholeCalls = {
  load(id: Hex): CallRecord | undefined;
  /** Takes over a record that was written. */
  keep(record: CallRecord): void;
};

export const openWholeCalls = (mostCharacters: number = MOST_CHARACTERS): WholeCalls => {
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
      // A long answer must not push out all others, only to go itself.
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
