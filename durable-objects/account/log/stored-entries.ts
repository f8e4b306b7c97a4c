import type { Entry } from '../../../src/protocol/entry.ts';
import { ENTRY } from '../../store/entry.ts';
import type { Reader } from '../../store/query.ts';
import { CALL } from '../call/call-noun.ts';

/** Stored entries after `seq`, in order, at most `limit`: those of calls, and those that are stored by themselves. */
export const entriesAfter = (read: Reader, after: number, limit: number): readonly Entry[] => {
  let lowest: Entry[] = [];
  const trim = (): void => {
    lowest = lowest.toSorted((a, b) => a.seq - b.seq).slice(0, limit);
  };
  // Reads one value at a time and keeps at most `limit`: a backlog may be larger than the memory of an isolate.
  const add = (entries: readonly Entry[]): void => {
    lowest.push(...entries.filter(({ seq }) => seq > after));
    if (lowest.length > 2 * limit) trim();
  };
  for (const { entries } of read.find(CALL, { where: [['last_seq', '>', after]] })) add(entries);
  for (const entry of read.find(ENTRY, { where: [['key', '>', after]], limit })) add([entry]);
  trim();
  return lowest;
};
