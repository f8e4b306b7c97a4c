import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  type Encoded,
  grown,
  LIMITS,
  lineOf,
  readLine,
} from '../../durable-objects/store/journal.ts';
import type { Key } from '../../durable-objects/store/noun.ts';
import { openPageIndex } from '../../durable-objects/store/page-index.ts';
import { pack } from '../../durable-objects/store/pages.ts';
import { type BenchAgent, PRICE } from './signing.ts';

const DAY = 86_400;
/** Calls in one batch. */
const BATCH = 10_000;

/** Finds the database of an agent's account in the directory of a stopped process. */
export const databaseOf = async (directory: string, { address }: BenchAgent): Promise<string> => {
  const storage = join(directory, 'storage', 'gateway-AgentAccount');
  for (const name of await readdir(storage)) {
    if (!name.endsWith('.sqlite')) continue;
    const database = new DatabaseSync(join(storage, name));
    try {
      if (linesIn(database).some(({ noun, key }) => noun === 'account' && isOf(key, address))) {
        return join(storage, name);
      }
    } finally {
      database.close();
    }
  }
  throw new Error(`There is no database of ${address}.`);
};

const isOf = (key: string | number, address: string): boolean => String(key).endsWith(address);

/** Reads every line of a journal. */
const linesIn = (database: DatabaseSync) => {
  const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'journal'").all();
  if (tables.length === 0) return [];
  const rows = database.prepare('SELECT text FROM journal ORDER BY seq').all();
  return rows.flatMap(({ text }) => String(text).split('\n').map(readLine));
};

/** Adds pages of copies of an ended call that the object wrote, with other ids and a longer retention. */
export const remember = (file: string, count: number): void => {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous = OFF');
  const calls = new Map<Key, Encoded>();
  for (const { noun, key, encoded } of linesIn(database)) {
    if (noun !== 'call' || encoded === undefined) continue;
    calls.set(key, grown(calls.get(key), encoded));
  }
  const one = [...calls].findLast(([, { text }]) => text.includes(`"price":${PRICE}`));
  if (one === undefined) throw new Error(`${file} has no call.`);
  const [key, { text, parts }] = one;
  const { validBefore } = JSON.parse(text) as { readonly validBefore: number };
  const index = openPageIndex([], () => 1);
  const insert = database.prepare('INSERT INTO page VALUES (?, ?, ?, ?, ?, ?)');
  database.exec('DELETE FROM page; BEGIN');
  for (let made = 0, pages = 0; made < count; made += BATCH) {
    const ended = Array.from({ length: Math.min(BATCH, count - made) }, () => {
      const id = `0x${randomBytes(32).toString('hex')}`;
      const copy = text.replaceAll(String(key), id);
      return {
        ...{ until: validBefore + DAY, firstSeq: 1, lastSeq: 1 },
        lines: [lineOf('call', id, { text: copy, parts })],
        prints: [index.print('call', id)],
      };
    });
    for (const page of pack(ended, pages + 1, index.seed, validBefore, LIMITS)) {
      const { id, until, firstSeq, lastSeq, prints, text: lines } = page;
      insert.run(id, until, firstSeq, lastSeq, new Uint8Array(prints.buffer), lines);
      pages = id;
    }
  }
  database.exec('COMMIT');
  database.close();
};
