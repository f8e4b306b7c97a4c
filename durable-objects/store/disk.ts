import type { Noun, Write } from './noun.ts';
import type { Condition, Listed, Query, Reader } from './query.ts';

/**
 * The storage interface of the engine. Nouns, decisions and the group commit depend on it alone, so storage can be replaced without
 * changing them: `sql-disk.ts` keeps one table per noun.
 */
export type Disk = Reader & {
  /** Like `find`, but without the details of the values. */
  brief<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): Iterable<Value>;
  /** Like `find`, but only keys and fields. */
  list<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): Iterable<Listed<Fields>>;
  /** Writes all values or none. The first value of a noun creates its table (law 12). */
  write(writes: Iterable<Write>): void;
  /**
   * Removes every value that meets the conditions. For maintenance only: a decision removes by key, so that the rest of its group sees the
   * removal.
   */
  removeAll<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    where: readonly Condition<Fields>[],
  ): void;
  /** Whether the object has ever written a value. */
  exists(): boolean;
  /** Rows billed since the object woke, deletes and alarms included. Cost tests read it. */
  rowsWritten(): number;
  /** Counts a billed row that is not a value: an alarm. */
  countRow(): void;
};
