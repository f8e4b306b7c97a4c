import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { decodeChunk } from '../../src/audit/chunk.ts';
import type { Entry } from '../../src/protocol/entry.ts';

/** Where `wrangler dev` keeps D1, below the directory it persists to. */
const DATABASES = 'state/v3/d1/miniflare-D1DatabaseObject';

const POLL_MS = 100;

/** The chunks of an account in the local audit database, oldest first. None while there is no database yet. */
const readChunks = async (directory: string, account: string): Promise<readonly Uint8Array[]> => {
  const folder = join(directory, DATABASES);
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite',
  );
  for (const name of names) {
    const database = new DatabaseSync(join(folder, name), { readOnly: true, timeout: 2000 });
    try {
      const tables = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'chunks'").all();
      if (tables.length === 0) continue;
      const rows = database
        .prepare('SELECT body FROM chunks WHERE account = ? ORDER BY first_seq')
        .all(account);
      return rows.flatMap(({ body }) => (body instanceof Uint8Array ? [body] : []));
    } finally {
      database.close();
    }
  }
  return [];
};

/** Every entry of an account that has reached the audit database. Throws for a chunk that is none. */
const readEntries = async (directory: string, account: string): Promise<readonly Entry[]> => {
  const entries: Entry[] = [];
  for (const chunk of await readChunks(directory, account)) {
    const decoded = await decodeChunk(chunk);
    if (!decoded.ok) throw new Error(`a chunk cannot be read: ${JSON.stringify(decoded.error)}`);
    entries.push(...decoded.value);
  }
  return entries;
};

/**
 * Reads an account's log out of the audit database of a gateway's state directory, once it holds what is awaited or the
 * time is over.
 */
export const auditLog = async (
  directory: string,
  account: string,
  complete: (entries: readonly Entry[]) => boolean,
  milliseconds: number,
): Promise<readonly Entry[]> => {
  const deadline = Date.now() + milliseconds;
  for (;;) {
    const entries = await readEntries(directory, account);
    if (complete(entries) || Date.now() > deadline) return entries;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
};
