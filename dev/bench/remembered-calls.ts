import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BenchAgent, PRICE } from './signing.ts';

const DAY = 86_400;

/** Finds the database of an agent's account in the directory of a stopped process. */
export const databaseOf = async (directory: string, { address }: BenchAgent): Promise<string> => {
  const storage = join(directory, 'storage', 'gateway-AgentAccount');
  for (const name of await readdir(storage)) {
    if (!name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(storage, name));
    try {
      const tables = database
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'account'")
        .all();
      const [row] = tables.length === 0 ? [] : database.prepare('SELECT key FROM account').all();
      if (String(row?.['key']).endsWith(address)) return join(storage, name);
    } finally {
      database.close();
    }
  }
  throw new Error(`There is no database of ${address}.`);
};

/** Inserts copies of an ended call that the object wrote, with other ids and a longer retention. */
export const remember = (file: string, calls: number): void => {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous = OFF');
  database.exec(`
    CREATE TEMP TABLE one AS
      SELECT * FROM call WHERE prune_at IS NOT NULL AND text ->> '$.price' = ${PRICE} LIMIT 1;
    WITH RECURSIVE
      numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ${calls}),
      ids(id) AS (SELECT printf('0x%08x', number * (4294967295 / ${calls})) || lower(hex(randomblob(28))) FROM numbers)
    INSERT INTO call (key, due, prune_at, last_seq, valid_before, identifier, text, detail)
      SELECT id, due, prune_at + ${DAY}, last_seq, valid_before + ${DAY}, NULL,
        json_set(text, '$.id', id, '$.validBefore', valid_before + ${DAY}), detail
      FROM one, ids;`);
  const { count } = database.prepare('SELECT count(*) AS count FROM call').get() as {
    count: number;
  };
  database.close();
  if (count < calls) throw new Error(`The database has only ${count} calls.`);
};
