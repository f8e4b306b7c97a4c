/**
 * `node dev/durations.ts`: writes the durations of the test files that took 15 seconds or more in the newest runs of this checkout to
 * `test/support/durations.json`. A fresh clone has no others: it starts the longest files of each project first. Run it after
 * `npm run test:all`.
 */
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT } from './root.ts';

/** Vitest's own cache. */
type Results = {
  readonly projects: Readonly<
    Record<string, { readonly files: Readonly<Record<string, { readonly duration: number }>> }>
  >;
};

const LEAST_MS = 15_000;

const longest = new Map<string, number>();
for await (const path of glob('node_modules/.vite/vitest/*/results.json', { cwd: ROOT })) {
  const { projects } = JSON.parse(await readFile(join(ROOT, path), 'utf8')) as Results;
  for (const { files } of Object.values(projects))
    for (const [file, { duration }] of Object.entries(files))
      if (duration >= LEAST_MS)
        longest.set(file, Math.max(longest.get(file) ?? 0, Math.round(duration / 1_000)));
}
const sorted = [...longest].toSorted(([, one], [, other]) => other - one);
await writeFile(
  join(ROOT, 'test/support/durations.json'),
  `${JSON.stringify(Object.fromEntries(sorted), undefined, 2)}\n`,
);
