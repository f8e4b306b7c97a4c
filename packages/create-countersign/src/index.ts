#!/usr/bin/env node
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from '../../../src/cli/main.ts';

// `npm create countersign shop` runs `create-countersign shop`.
process.argv.splice(2, 0, 'create');
const { version } = JSON.parse(
  await readFile(join(import.meta.dirname, '../package.json'), 'utf8'),
) as { readonly version: string };
await main(
  { '': { create: async () => (await import('../../../src/cli/create.ts')).command } },
  version,
);
