import { createHash, randomUUID } from 'node:crypto';
import { access, cp, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from '../root.ts';

const MIGRATIONS = join(ROOT, 'src/audit/migrations');
const KEPT = join(ROOT, '.dev/databases');

const exists = async (path: string): Promise<boolean> =>
  await access(path).then(
    () => true,
    () => false,
  );

/** Where a database that was migrated like this one is kept: by what made it. */
const keptPlace = async (): Promise<string> => {
  const hash = createHash('sha256');
  for (const name of (await readdir(MIGRATIONS)).toSorted())
    hash.update(`${name}\n`).update(await readFile(join(MIGRATIONS, name)));
  for (const file of ['wrangler.toml', 'node_modules/wrangler/package.json'])
    hash.update(await readFile(join(ROOT, file)));
  return join(KEPT, hash.digest('hex').slice(0, 32));
};

/**
 * Gives a new state directory a migrated database. Migrating takes a process of wrangler and two seconds of a processor, so the first
 * one is kept, empty, in `.dev`, and copied from then on. A directory that has a database already is migrated as it is.
 */
export const prepareDatabase = async (
  state: string,
  migrate: () => Promise<void>,
): Promise<void> => {
  const own = join(state, 'v3/d1');
  if (await exists(own)) return await migrate();
  const kept = await keptPlace();
  if (await exists(kept)) return await cp(kept, own, { recursive: true });
  await migrate();
  // Stacks that start at once each keep theirs; the first one stays, and is there whole or not at all.
  const draft = join(KEPT, `.${randomUUID()}`);
  await mkdir(KEPT, { recursive: true });
  await cp(own, draft, { recursive: true });
  await rename(draft, kept).catch(async () => await rm(draft, { recursive: true, force: true }));
};
