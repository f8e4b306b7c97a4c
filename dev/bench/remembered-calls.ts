import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type BenchAgent, PRICE } from './signing.ts';

/** Finds the database of an agent's account in the directory of a stopped process. */
export const databaseOf = async (directory: string, { address }: BenchAgent): Promise<string> => {
  const storage = join(directory, 'storage', 'gateway-AgentAccount');
  for (const name of await readdir(storage)) {
    if (!name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(storage, name));
    try {
      const found = database
        .prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'account'")
        .get();
      const row = found && database.prepare('SELECT account FROM account').get();
      if (String(row?.['account']).endsWith(address)) return join(storage, name);
    } finally {
      database.close();
    }
  }
  throw new Error(`There is no database of ${address}.`);
};

/** Inserts copies of an ended call that the object wrote, with other ids and a longer retention. */
export const remember = (file: string, calls: number): void => {
  const database = new DatabaseSync(file);
  const columns = database
    .prepare('SELECT name FROM pragma_table_info(?)')
    .all('calls')
    .map(({ name }) => String(name));
  const values = columns.map((name) => {
    if (name === 'id')
      return `printf('0x%08x', number * (4294967295 / ${calls})) || lower(hex(randomblob(28)))`;
    return name === 'prune_at' ? 'prune_at + 86400' : name;
  });
  database.exec('PRAGMA synchronous = OFF');
  database.exec(`
    CREATE TEMP TABLE one AS SELECT * FROM calls WHERE prune_at IS NOT NULL AND price = ${PRICE} LIMIT 1;
    WITH RECURSIVE numbers(number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < ${calls})
    INSERT INTO calls (${columns.join(', ')}) SELECT ${values.join(', ')} FROM one, numbers;`);
  const { count } = database.prepare('SELECT count(*) AS count FROM calls').get() as {
    count: number;
  };
  database.close();
  if (count < calls) throw new Error(`The database has only ${count} calls.`);
};
