import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The stored state of a stopped gateway: what the Workers runtime keeps on disk (`test/chaos/support/account-records.ts`). */
const STATE = 'state/v3';
const DATABASE = 'd1/miniflare-D1DatabaseObject';
const OBJECTS = {
  account: 'do/countersign-AgentAccount',
  log: 'do/countersign-AuditLog',
} as const;
const ARCHIVE = 'r2';

/** A part of the state that can be lost by itself. An account is named by its address. */
export type Part =
  | { readonly kind: 'database' | 'log' | 'archive' }
  | { readonly kind: 'account'; readonly address: string };

/** The databases of the runtime in a folder, without its own one for alarms. */
const databasesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));

const isOf = (file: string, address: string): boolean => {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'journal'").all();
    if (table.length === 0) return false;
    const key = `account\t"eip155:84532:${address}"\t%`;
    return (
      database
        .prepare("SELECT 1 FROM journal WHERE text LIKE ?1 OR text LIKE '%' || char(10) || ?1")
        .all(key).length > 0
    );
  } finally {
    database.close();
  }
};

/** Copies the whole state of a stopped gateway, as all its backups of one moment. */
export const copyState = async (directory: string, to: string): Promise<void> => {
  await cp(join(directory, STATE), to, { recursive: true });
};

/** The database files of a part: the file and its write-ahead log. */
const filesOf = async (directory: string, part: Part): Promise<readonly string[]> => {
  const folder =
    part.kind === 'database' ? DATABASE : part.kind === 'archive' ? ARCHIVE : OBJECTS[part.kind];
  if (part.kind === 'archive') return [folder];
  const names = await databasesIn(join(directory, STATE, folder));
  return names
    .filter(
      (name) => part.kind !== 'account' || isOf(join(directory, STATE, folder, name), part.address),
    )
    .flatMap((name) => ['', '-wal', '-shm'].map((end) => join(folder, name + end)));
};

/** Deletes a part of a stopped gateway's state. */
export const losePart = async (directory: string, part: Part): Promise<void> => {
  for (const file of await filesOf(directory, part))
    await rm(join(directory, STATE, file), { recursive: true, force: true });
};

/** Puts a part of a stopped gateway's state back as it was copied. */
export const putBack = async (directory: string, part: Part, copy: string): Promise<void> => {
  const files = await filesOf(directory, part);
  await losePart(directory, part);
  for (const file of files)
    await cp(join(copy, file), join(directory, STATE, file), { recursive: true }).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      },
    );
};

/** Older than `RETAIN_DAYS` by default: the archive moves such entries to R2. */
const AGED_SECONDS = 95 * 86_400;

/** Makes everything that D1 of a stopped gateway has stored as old as the archive wants it. */
export const ageChunks = async (directory: string): Promise<void> => {
  const folder = join(directory, STATE, DATABASE);
  for (const name of await databasesIn(folder)) {
    const database = new DatabaseSync(join(folder, name));
    try {
      const trigger = database
        .prepare("SELECT sql FROM sqlite_schema WHERE name = 'chunks_never_change'")
        .get() as { readonly sql: string } | undefined;
      if (trigger === undefined) continue;
      database.exec('DROP TRIGGER chunks_never_change');
      database.exec(`UPDATE chunks SET at = at - ${AGED_SECONDS}`);
      database.exec(trigger.sql);
    } finally {
      database.close();
    }
  }
};
