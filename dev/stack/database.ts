import { createHash, randomUUID } from 'node:crypto';
import { access, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { migrateDatabase, type WranglerPlace, wranglerManifest } from './wrangler.ts';

type Sources = {
  /** Directory of empty, migrated databases. */
  readonly cache: string;
  /** Path of the wrangler.toml that names the database. */
  readonly config: string;
  /** Directory of the migrations. */
  readonly migrations: string;
};

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** Path of the migrated database in the cache: its name is a hash of everything that the database is made from. */
const cachedPath = async ({ cache, config, migrations }: Sources): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(migrations)).toSorted())
    hash.update(`${name}\n`).update(await readFile(join(migrations, name)));
  for (const file of [config, wranglerManifest()]) hash.update(await readFile(file));
  return join(cache, hash.digest('hex').slice(0, 32));
};

const OBJECTS = 'miniflare-D1DatabaseObject';

/** Whether a database has every migration, according to wrangler's own table. Running wrangler for this would take two seconds. */
const isMigrated = async (directory: string, migrations: string): Promise<boolean> => {
  const objects = await readdir(join(directory, OBJECTS)).catch(() => []);
  const file = objects.find((name) => /^[0-9a-f]{64}\.sqlite$/.test(name));
  if (file === undefined) return false;
  // A dynamic import: the published command contains this file, and Node 20 lacks the module.
  const { DatabaseSync } = await import('node:sqlite');
  const database = new DatabaseSync(join(directory, OBJECTS, file), { readOnly: true });
  try {
    const done = database.prepare('SELECT name FROM d1_migrations').all();
    const names = new Set(done.map(({ name }) => name));
    return (await readdir(migrations)).every((name) => names.has(name));
  } catch {
    return false;
  } finally {
    database.close();
  }
};

/**
 * Prepares the database of a gateway. A new state directory receives a copy of an empty, migrated database from the cache, because a
 * migration by wrangler takes two seconds; the first migration fills the cache. Migrates an existing database in place.
 */
export const prepareDatabase = async (place: WranglerPlace, sources: Sources): Promise<void> => {
  const own = join(place.persistTo, 'state/v3/d1');
  if (await exists(own)) {
    if (!(await isMigrated(own, sources.migrations))) await migrateDatabase(place);
    return;
  }
  const cached = await cachedPath(sources);
  if (await exists(cached)) return await cp(cached, own, { recursive: true });
  await migrateDatabase(place);
  // Stacks that start at the same time each make a draft; the first rename wins, and the cache never has half a database.
  const draft = join(sources.cache, `.${randomUUID()}`);
  await mkdir(sources.cache, { recursive: true });
  await cp(own, draft, { recursive: true });
  await rename(draft, cached).catch(async () => await rm(draft, { recursive: true, force: true }));
};
