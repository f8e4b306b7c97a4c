import { applyD1Migrations, type D1Migration, reset } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { splitRun } from '../../../src/audit/chunk.ts';
import type { AuditMessage } from '../../../src/audit/chunk.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { readLog } from '../../../src/audit/run.ts';

const { AUDIT_DB, TEST_MIGRATIONS } = env as unknown as {
  AUDIT_DB: D1Database;
  TEST_MIGRATIONS: D1Migration[];
};

/** The real local D1. */
export const db = AUDIT_DB;

type Made = {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
};

/** Everything that the migrations create, in an order in which it can be created again. */
const OBJECTS = `SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
  ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid`;
const FIRST_ROWS = 'INSERT INTO log_tag (id) VALUES (1)';

const run = (statements: readonly string[]) =>
  db.batch<Made>(statements.map((statement) => db.prepare(statement)));

const textOf = (objects: readonly Made[]): string =>
  objects
    .map(({ sql }) => sql)
    .toSorted()
    .join();

let schema: { readonly text: string; readonly emptying: readonly string[] } | undefined;

/** Deletes all rows, eight times as fast as a new database. Returns false if a test has changed the schema. */
const isEmptied = async (): Promise<boolean> => {
  if (schema === undefined) return false;
  try {
    const answers = await run([...schema.emptying, OBJECTS]);
    return textOf(answers.at(-1)?.results ?? []) === schema.text;
  } catch {
    return false;
  }
};

/** An empty audit database with the schema of the migrations that production applies. */
export const freshDatabase = async (): Promise<void> => {
  if (await isEmptied()) return;
  await reset();
  // `reset` alone sometimes leaves rows of the previous test file, because files share one runtime. Dropping a table also drops its
  // indexes.
  const [left] = await run([OBJECTS]);
  const dropped = (left?.results ?? []).filter(({ type }) => type !== 'index').toReversed();
  if (dropped.length > 0) await run(dropped.map(({ type, name }) => `DROP ${type} ${name}`));
  await applyD1Migrations(db, TEST_MIGRATIONS);
  const [made] = await run([OBJECTS]);
  const objects = made?.results ?? [];
  // These triggers prevent the deletion of rows before the archive has them.
  const guards = objects.filter(({ type, sql }) => type === 'trigger' && /BEFORE DELETE/.test(sql));
  schema = {
    text: textOf(objects),
    emptying: [
      ...guards.map(({ name }) => `DROP TRIGGER ${name}`),
      ...objects
        .filter(({ type, name }) => type === 'table' && name !== 'd1_migrations')
        .map(({ name }) => `DELETE FROM ${name}`),
      ...guards.map(({ sql }) => sql),
      FIRST_ROWS,
    ],
  };
};

/** One message with these entries. */
export const messageOf = async (entries: readonly Entry[]): Promise<AuditMessage> => {
  const [message, ...more] = splitRun(entries);
  if (message === undefined || more.length > 0) throw new Error('not one message');
  return message;
};

/** Tags the current state of the lists, as the first reader does. */
export const nameLists = async (): Promise<void> => {
  await db.prepare("UPDATE log_tag SET tag = 'now'").run();
};

/** Tells whether the lists still have the state that was tagged. */
export const isUnchanged = async (): Promise<boolean> =>
  (await db.prepare('SELECT tag FROM log_tag').first('tag')) === 'now';

export const rows = async (table: 'calls' | 'dead_letters' | 'accounts' | 'kin' | 'spend') => {
  // Rows come in the order of the primary key.
  const { results } = await db.prepare(`SELECT * FROM ${table}`).all();
  return results;
};

/** The entries in the stored chunks, decoded without the code under test. */
export const storedEntries = async (account: string): Promise<Entry[]> => {
  const { results } = await db
    .prepare('SELECT body FROM chunks WHERE account = ? ORDER BY first_seq')
    .bind(account)
    .all<{ body: number[] }>();
  const texts = await Promise.all(
    results.map(({ body }) =>
      new Response(
        new Blob([Uint8Array.from(body)]).stream().pipeThrough(new DecompressionStream('gzip')),
      ).text(),
    ),
  );
  const read = readLog(texts.join(''));
  return read.ok ? [...read.value] : [];
};
