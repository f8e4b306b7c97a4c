import { createHash, randomUUID } from 'node:crypto';
import { access, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';

const MIGRATIONS = join(ROOT, 'src/audit/migrations');
const CACHE = join(ROOT, '.dev/databases');

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** Path of the migrated database in the cache, by a hash of all that it was made from. */
const cachedPath = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(MIGRATIONS)).toSorted())
    hash.update(`${name}\n`).update(await readFile(join(MIGRATIONS, name)));
  for (const file of ['wrangler.toml', 'node_modules/wrangler/package.json'])
    hash.update(await readFile(join(ROOT, file)));
  return join(CACHE, hash.digest('hex').slice(0, 32));
};

/**
 * Prepares the database of a state directory. A new directory receives a copy of an empty, migrated database from `.dev/databases`,
 * because a migration by wrangler takes two seconds; the first one fills that cache. An existing database is migrated in place.
 */
export const prepareDatabase = async (
  state: string,
  migrate: () => Promise<void>,
): Promise<void> => {
  const own = join(state, 'v3/d1');
  if (await exists(own)) return await migrate();
  const cached = await cachedPath();
  if (await exists(cached)) return await cp(cached, own, { recursive: true });
  await migrate();
  // Stacks that start at the same time each make a draft; the first rename wins, and the cache never has half a database.
  const draft = join(CACHE, `.${randomUUID()}`);
  await mkdir(CACHE, { recursive: true });
  await cp(own, draft, { recursive: true });
  await rename(draft, cached).catch(async () => await rm(draft, { recursive: true, force: true }));
};
