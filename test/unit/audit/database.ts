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

/** What the migrations make, in an order in which it can be made again. */
const madeObjects = async (): Promise<readonly Made[]> => {
  const { results } = await db
    .prepare(
      `SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\'
       ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid`,
    )
    .all<Made>();
  return results;
};

const run = (statements: readonly string[]) =>
  db.batch(statements.map((statement) => db.prepare(statement)));

/** `reset` alone sometimes leaves rows of the test file before: files share one runtime. */
const empty = async (): Promise<void> => {
  await reset();
  const left = await madeObjects();
  // A table takes its indexes with it.
  const dropped = left.filter(({ type }) => type !== 'index').toReversed();
  if (dropped.length > 0) await run(dropped.map(({ type, name }) => `DROP ${type} ${name}`));
};

let schema: readonly string[] | undefined;

/** An empty audit database, made by the migrations that production applies: once by themselves, then by what they made, in a third of the time. */
export const freshDatabase = async (): Promise<void> => {
  await empty();
  if (schema !== undefined) {
    await run(schema);
    return;
  }
  await applyD1Migrations(db, TEST_MIGRATIONS);
  const { results } = await db.prepare('SELECT name FROM d1_migrations').all<{ name: string }>();
  schema = [
    ...(await madeObjects()).map(({ sql }) => sql),
    'INSERT INTO log_tag (id) VALUES (1)',
    ...results.map(({ name }) => `INSERT INTO d1_migrations (name) VALUES ('${name}')`),
  ];
};

/** These entries as one message. */
export const messageOf = async (entries: readonly Entry[]): Promise<AuditMessage> => {
  const [message, ...more] = splitRun(entries);
  if (message === undefined || more.length > 0) throw new Error('not one message');
  return message;
};

/** Names what lists show now, as the first reader does. */
export const nameLists = async (): Promise<void> => {
  await db.prepare("UPDATE log_tag SET tag = 'now'").run();
};

/** Whether lists may still show what they did when they were named. */
export const isUnchanged = async (): Promise<boolean> =>
  (await db.prepare('SELECT tag FROM log_tag').first('tag')) === 'now';

export const rows = async (table: 'calls' | 'dead_letters' | 'accounts' | 'kin' | 'spend') => {
  // In the order of the primary key.
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
