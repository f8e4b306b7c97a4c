import type { JournalRow } from './journal.ts';
import type { Page, PageHead } from './pages.ts';

/** One transaction of the engine. */
export type Change = {
  readonly rows: readonly JournalRow[];
  readonly pages: readonly Page[];
  /** Ids of pages to delete. */
  readonly forgotten: readonly number[];
  /** Delete the rows of the journal from this slot on, after the others were written. */
  readonly leftoversFrom?: number;
};

/** The rows under the engine: SQLite in an object (`open-disk.ts`), an array that can crash in tests. */
export type Medium = {
  /** The rows of the journal, from slot 0 on; leftovers are not among them. */
  journal(): readonly JournalRow[];
  /** All pages without their texts, oldest first. */
  pages(): Iterable<PageHead>;
  pageText(id: number): string;
  /** Writes all of a change or nothing. The first change creates the tables (law 12). */
  commit(change: Change): void;
  /** Accesses storage. @throws in an instance of the object that the runtime has replaced. */
  check(): void;
  /** Rows billed so far. */
  rowsWritten(): number;
};
