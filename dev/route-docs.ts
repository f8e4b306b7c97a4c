/** `npm run docs`: writes the tables of routes in docs/management.md from the table of routes. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { withRouteTables } from './openapi/route-tables.ts';

const path = join(ROOT, 'docs/management.md');
await writeFile(path, withRouteTables(await readFile(path, 'utf8')));
