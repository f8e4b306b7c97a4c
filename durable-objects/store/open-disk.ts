import { STORAGE } from '../../src/protocol/storage-version.ts';
import type { Disk } from './disk.ts';
import { openEngine } from './engine.ts';
import type { JournalRow } from './journal.ts';
import type { Change, Medium } from './medium.ts';
import type { PageHead } from './pages.ts';

/** Opens the disk of an object. */
export const openDisk = (storage: DurableObjectStorage): Disk => openEngine(openSqlMedium(storage));

/** The version that wrote the tables. SQLite keeps the text of a definition with its comments, so the version costs no row. */
const VERSION = `version ${STORAGE.writes}`;

const TABLES = `
  CREATE TABLE journal (/* ${VERSION} */ slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL) STRICT;
  CREATE TABLE page (id INTEGER PRIMARY KEY, until INTEGER NOT NULL, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
    prints BLOB NOT NULL, text TEXT NOT NULL) STRICT;`;

/** Keeps journal and pages in the SQLite of a Durable Object. `prints` precedes `text`: an object that wakes reads no text of a page. */
const openSqlMedium = (storage: DurableObjectStorage): Medium => {
  const { sql } = storage;
  let rows = 0;
  const [journal] = sql
    .exec<{ sql: string }>(
      `SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'journal'`,
    )
    .toArray();
  if (journal?.sql.includes(`/* ${VERSION} */`) === false) {
    throw new Error(
      `This release reads tables of ${VERSION} only, and this object has others: ${journal.sql}. Deploy the release that wrote them.`,
    );
  }
  let hasTables = journal !== undefined;

  const run = (query: string, ...bindings: SqlStorageValue[]): void => {
    rows += sql.exec(query, ...bindings).rowsWritten;
  };

  const runAll = ({ rows: added, pages, forgotten, leftoversFrom }: Change): void => {
    if (!hasTables) run(TABLES);
    for (const { id, until, firstSeq, lastSeq, prints, text } of pages) {
      const bytes = prints.slice().buffer;
      run('INSERT INTO page VALUES (?, ?, ?, ?, ?, ?)', id, until, firstSeq, lastSeq, bytes, text);
    }
    for (const id of forgotten) run('DELETE FROM page WHERE id = ?', id);
    for (const { slot, seq, kind, text } of added) {
      run(
        `INSERT INTO journal VALUES (?, ?, ?, ?)
         ON CONFLICT (slot) DO UPDATE SET seq = excluded.seq, kind = excluded.kind, text = excluded.text`,
        slot,
        seq,
        kind,
        text,
      );
    }
    if (leftoversFrom !== undefined) run('DELETE FROM journal WHERE slot >= ?', leftoversFrom);
  };

  return {
    journal: () =>
      hasTables
        ? sql
            .exec<JournalRow>(
              `SELECT slot, seq, kind, text FROM journal
               WHERE seq - slot = (SELECT seq FROM journal WHERE slot = 0) ORDER BY slot`,
            )
            .toArray()
        : [],
    *pages() {
      if (!hasTables) return;
      type Head = Record<'id' | 'until' | 'first_seq' | 'last_seq', number> & {
        readonly prints: ArrayBuffer;
      };
      const heads = sql.exec<Head>(
        'SELECT id, until, first_seq, last_seq, prints FROM page ORDER BY id',
      );
      for (const { id, until, first_seq: firstSeq, last_seq: lastSeq, prints } of heads) {
        yield { id, until, firstSeq, lastSeq, prints: new Uint32Array(prints) } satisfies PageHead;
      }
    },
    pageText: (id) =>
      sql.exec<{ text: string }>('SELECT text FROM page WHERE id = ?', id).one().text,
    commit(change) {
      // One statement is atomic by itself: a savepoint would cost as much as the statement.
      const isOne =
        hasTables &&
        change.leftoversFrom === undefined &&
        change.rows.length + change.pages.length + change.forgotten.length === 1;
      if (isOne) runAll(change);
      else storage.transactionSync(() => runAll(change));
      // Only after the transaction: a failed one also undoes its new tables.
      hasTables = true;
    },
    check: () => void sql.exec('SELECT 1').toArray(),
    rowsWritten: () => rows,
  };
};
