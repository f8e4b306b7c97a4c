import { entryText, readEntry } from '../../src/audit/entry.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { Noun } from './noun.ts';

/** An entry that no other value contains, kept until it is exported. */
export const ENTRY: Noun<Entry> = {
  name: 'entry',
  key: ({ seq }) => seq,
  encode: entryText,
  decode: readEntry,
  entries: (entry) => [entry],
  forgetAt: () => 0,
};
