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

/** `reset` alone sometimes leaves rows of the test file before: files share one runtime. */
const empty = async (): Promise<void> => {
  await reset();
  const { results } = await db
    .prepare(
      `SELECT type, name FROM sqlite_master WHERE type IN ('table', 'trigger')
       AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_cf%' ESCAPE '\\' ORDER BY type DESC`,
    )
    .all<{ readonly type: string; readonly name: string }>();
  if (results.length > 0) {
    await db.batch(results.map(({ type, name }) => db.prepare(`DROP ${type} IF EXISTS ${name}`)));
  }
};

/** An empty audit database, made by the migrations that production applies. */
export const freshDatabase = async (): Promise<void> => {
  await empty();
  await applyD1Migrations(db, TEST_MIGRATIONS);
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
