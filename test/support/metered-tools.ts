import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const common = { method: 'GET', description: 'For tests.', mimeType: 'application/json' };

/** Costs a millionth of a dollar a byte of the answer, at most $0.02, and settles later. */
const metered = {
  ...{
    id: 'metered',
    path: '/tools/metered',
    settlement: 'deferred',
    upstream: '/echo',
    ...common,
  },
  price: { max: '$0.02', meter: { usage: 'counted', rates: { bytes: '$1 per 1000000' } } },
};
const fixed = {
  ...{ id: 'fixed', path: '/tools/fixed', settlement: 'upfront', upstream: '/echo', ...common },
  price: '$0.05',
};

/** Writes a file with a metered tool and one of a fixed price. Removes it after the tests of the file. @returns its path */
export const meteredTools = async (): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-tools-'));
  afterAll(async () => await rm(directory, { recursive: true, force: true }));
  const path = join(directory, 'tools.json');
  await writeFile(path, JSON.stringify({ tools: [metered, fixed] }));
  return path;
};
