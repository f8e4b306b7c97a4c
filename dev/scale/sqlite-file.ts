import { globSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Fillable } from '../../test/scale/fill.ts';

/** Opens the D1 file of a stopped gateway. @throws Error if there is not exactly one file */
export const openDatabaseFile = (persistTo: string): Fillable & { readonly close: () => void } => {
  const folder = join(persistTo, 'state/v3/d1');
  const files = globSync('**/*.sqlite', { cwd: folder }).filter(
    (file) => !file.includes('metadata'),
  );
  const [file, ...others] = files;
  if (file === undefined || others.length > 0)
    throw new Error(`${folder} has ${files.length} databases`);
  const database = new DatabaseSync(join(folder, file));
  // Durability does not matter: a failed fill is thrown away.
  database.exec('PRAGMA synchronous = OFF');
  return {
    run: async (sql, ...values) => database.prepare(sql).run(...values),
    all: async <Row>(sql: string) => database.prepare(sql).all() as unknown as readonly Row[],
    close: () => {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      database.close();
    },
  };
};
