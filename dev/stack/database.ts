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

/** Path of the migrated database in the cache, by a hash of all that it was made from. */
const cachedPath = async ({ cache, config, migrations }: Sources): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(migrations)).toSorted())
    hash.update(`${name}\n`).update(await readFile(join(migrations, name)));
  for (const file of [config, wranglerManifest()]) hash.update(await readFile(file));
  return join(cache, hash.digest('hex').slice(0, 32));
};

/**
 * Prepares the database of a gateway. A new state directory receives a copy of an empty, migrated database from the cache, because a
 * migration by wrangler takes two seconds; the first one fills the cache. An existing database is migrated in place.
 */
export const prepareDatabase = async (place: WranglerPlace, sources: Sources): Promise<void> => {
  const own = join(place.persistTo, 'state/v3/d1');
  if (await exists(own)) return await migrateDatabase(place);
  const cached = await cachedPath(sources);
  if (await exists(cached)) return await cp(cached, own, { recursive: true });
  await migrateDatabase(place);
  // Stacks that start at the same time each make a draft; the first rename wins, and the cache never has half a database.
  const draft = join(sources.cache, `.${randomUUID()}`);
  await mkdir(sources.cache, { recursive: true });
  await cp(own, draft, { recursive: true });
  await rename(draft, cached).catch(async () => await rm(draft, { recursive: true, force: true }));
};
