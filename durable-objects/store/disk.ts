import type { Noun, Write } from './noun.ts';
import type { Condition, Listed, Query, Reader } from './query.ts';

/**
 * What lies under the engine. Nouns, decisions and the group commit know this interface alone, so storage can be exchanged without them:
 * `sql-disk.ts` keeps a table for each noun.
 */
export type Disk = Reader & {
  /** As `find`, without the details of the values. */
  brief<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): Iterable<Value>;
  /** As `find`, keys and fields alone. */
  list<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): Iterable<Listed<Fields>>;
  /** Writes all of it or nothing. The first value of a noun makes its storage (law 12). */
  write(writes: Iterable<Write>): void;
  /** Removes every value that meets the conditions. For maintenance: a decision removes by key, so that its group sees it. */
  removeAll<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    where: readonly Condition<Fields>[],
  ): void;
  /** Whether anything was ever written. */
  exists(): boolean;
  /** Rows billed since the object woke, deletes and alarms included: rows are the bill. */
  rowsWritten(): number;
  /** Counts a row that is billed for something else than a value: an alarm. */
  countRow(): void;
};
