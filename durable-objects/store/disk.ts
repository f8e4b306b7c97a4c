import type { Seconds } from '../../src/core/clock.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import type { AnyNoun, Noun, Write } from './noun.ts';
import type { Horizon } from './pages.ts';
import type { Query, Reader } from './query.ts';

/** The storage interface of the engine. Nouns, decisions and the group commit depend on it alone. It shows durable values only. */
export type Disk = Reader & {
  /**
   * The values in memory, without their details. Of a noun whose values end: the values on which work is due, and those that ended last.
   */
  brief<Value, Fields extends string>(
    noun: Noun<Value, Fields>,
    query?: Query<Fields>,
  ): readonly Value[];
  /** Entries after a seq, in order, at most `limit`. Of a backlog of millions it reads the pages that hold them. */
  entriesAfter(nouns: readonly AnyNoun[], after: number, limit: number): readonly Entry[];
  /**
   * Writes all values or none, and then forgets ended values whose time is over.
   *
   * @throws if nothing was written.
   */
  write(writes: Iterable<Write>, horizon?: Horizon): void;
  /** Forgets ended values whose time is over. @returns when the next page can be forgotten; undefined if none is left. */
  forget(horizon: Horizon): Seconds | undefined;
  /**
   * Takes a snapshot now, and deletes what earlier journals left behind: replaced and forgotten values are then on no row any more. Pages
   * keep their ended values until these are forgotten.
   */
  compact(horizon: Horizon): void;
  /** Rejects all further writes. Race: a second disk of the object writes to the slots that this one believes to be free. */
  close(): void;
  /** Accesses storage. @throws in an instance of the object that the runtime has replaced. */
  check(): void;
  /** Characters of the values in memory. The platform resets an isolate above 128 MB, and this object would not wake again. */
  characters(): number;
  /** Whether the object has ever written a value. */
  exists(): boolean;
  /** Rows billed since the object woke, deletes and alarms included. Cost tests read it. */
  rowsWritten(): number;
  /** Counts a billed row that is not a value: an alarm. */
  countRow(): void;
};
