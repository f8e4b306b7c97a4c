/**
 * Measures an object that remembers ended calls: how long its engine takes to wake, and to look a call up. Runs the engine on SQLite in Node,
 * with a database file: `node dev/wake.ts [CALLS]…`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openEngine } from '../durable-objects/store/engine.ts';
import { type JournalRow, LIMITS } from '../durable-objects/store/journal.ts';
import type { Medium } from '../durable-objects/store/medium.ts';
import { type Noun, put } from '../durable-objects/store/noun.ts';
import { openPageIndex } from '../durable-objects/store/page-index.ts';
import { pack } from '../durable-objects/store/pages.ts';

type Call = { readonly id: string; readonly until: number | undefined; readonly text: string };

/** About as long as a settled call with its entries and a short answer. */
const TEXT = 'x'.repeat(3_000);
const CALL: Noun<Call> = {
  name: 'call',
  key: ({ id }) => id,
  encode: ({ text, ...rest }) => [JSON.stringify(rest), JSON.stringify(text)],
  decode: (text, detail) => ({
    ...(JSON.parse(text) as Call),
    text: detail === null ? '' : (JSON.parse(detail) as string),
  }),
  forgetAt: ({ until }) => until,
};
const BATCH = 10_000;
const LOOK_UPS = 20_000;
const GROUPS = 2_000;

const idOf = (number: number): string =>
  `0x${(BigInt(number) * 0x9e3779b97f4a7c15f39cc0605cedc8341082276bf3a27251f86c6a11d0c18e95n)
    .toString(16)
    .padStart(64, '0')
    .slice(-64)}`;

const openMedium = (database: DatabaseSync): Medium => {
  const insertPage = database.prepare('INSERT INTO page VALUES (?, ?, ?, ?, ?, ?)');
  const insertRow = database.prepare('INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?)');
  let written = 0;
  return {
    journal: () =>
      database
        .prepare(
          `SELECT * FROM journal WHERE seq - slot = (SELECT seq FROM journal WHERE slot = 0) ORDER BY slot`,
        )
        .all() as unknown as JournalRow[],
    *pages() {
      const heads = database.prepare('SELECT id, until, prints FROM page ORDER BY id');
      for (const { id, until, prints } of heads.iterate()) {
        const bytes = prints as Uint8Array;
        yield {
          ...{ id: Number(id), until: Number(until), firstSeq: 0, lastSeq: 0 },
          prints: new Uint32Array(
            bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
          ),
        };
      }
    },
    pageText: (id) =>
      String(database.prepare('SELECT text FROM page WHERE id = ?').get(id)?.['text']),
    commit({ rows, pages, forgotten }) {
      database.exec('BEGIN');
      for (const { id, until, firstSeq, lastSeq, prints, text } of pages) {
        insertPage.run(id, until, firstSeq, lastSeq, new Uint8Array(prints.buffer), text);
      }
      for (const id of forgotten) database.prepare('DELETE FROM page WHERE id = ?').run(id);
      for (const { slot, seq, kind, text } of rows) insertRow.run(slot, seq, kind, text);
      database.exec('COMMIT');
      written += rows.length + pages.length + forgotten.length;
    },
    check: () => undefined,
    rowsWritten: () => written,
  };
};

const fill = (medium: Medium, calls: number): void => {
  const index = openPageIndex([], () => 7);
  let lastId = 0;
  for (let made = 0; made < calls; made += BATCH) {
    const ended = Array.from({ length: Math.min(BATCH, calls - made) }, (_, at) => {
      const call = { id: idOf(made + at + 1), until: 2_000_000_000 };
      return {
        ...{ until: call.until, firstSeq: 0, lastSeq: 0 },
        lines: [`call\t${JSON.stringify(call.id)}\t${JSON.stringify(call)}\t"${TEXT}"`],
        prints: [index.print('call', call.id)],
      };
    });
    const pages = pack(ended, lastId + 1, index.seed, 1_999_999_000, LIMITS);
    medium.commit({ rows: [], pages, forgotten: [] });
    lastId = pages.at(-1)?.id ?? lastId;
  }
};

const milliseconds = (work: () => void): number => {
  const before = performance.now();
  work();
  return performance.now() - before;
};

for (const calls of process.argv.slice(2).map(Number)) {
  const directory = mkdtempSync(join(tmpdir(), 'wake-'));
  const file = join(directory, 'object.sqlite');
  const first = new DatabaseSync(file);
  first.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
    CREATE TABLE journal (slot INTEGER PRIMARY KEY, seq INTEGER, kind TEXT, text TEXT) STRICT;
    CREATE TABLE page (id INTEGER PRIMARY KEY, until INTEGER, first_seq INTEGER, last_seq INTEGER, prints BLOB, text TEXT) STRICT;`);
  fill(openMedium(first), calls);
  first.close();
  const database = new DatabaseSync(file);
  const medium = openMedium(database);
  let disk = openEngine(medium);
  const wake = Math.min(
    ...[0, 1, 2].map(() => milliseconds(() => void (disk = openEngine(medium)))),
  );
  const miss = milliseconds(() => {
    for (let at = 0; at < LOOK_UPS; at += 1) disk.get(CALL, idOf(calls + at + 2));
  });
  const hits = Math.min(calls, 200);
  const hit = milliseconds(() => {
    for (let at = 0; at < hits; at += 1) {
      const id = idOf(1 + Math.floor((at * calls) / hits));
      if (disk.get(CALL, id)?.id !== id) throw new Error(`${id} is lost`);
    }
  });
  const write = milliseconds(() => {
    for (let at = 0; at < GROUPS; at += 1) {
      const call = { id: idOf(calls + LOOK_UPS + at + 9), text: TEXT };
      if (disk.get(CALL, call.id) !== undefined) throw new Error('known');
      disk.write([put(CALL, { ...call, until: undefined })], { now: 1_999_999_000, exported: 0 });
      disk.write([put(CALL, { ...call, until: 2_000_000_000 })], {
        now: 1_999_999_000,
        exported: 0,
      });
    }
  });
  console.log(
    `${calls} remembered: wakes in ${wake.toFixed(1)} ms, looks up an unknown call in ${((miss * 1_000) / LOOK_UPS).toFixed(2)} µs and a remembered one in ${hits === 0 ? '-' : ((hit * 1_000) / hits).toFixed(0)} µs, two writes of a call ${((write * 1_000) / GROUPS).toFixed(0)} µs`,
  );
  database.close();
  rmSync(directory, { recursive: true });
}
