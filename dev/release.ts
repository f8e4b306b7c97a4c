/** `npm run release`: checks before publication that tag, manifests, repository and changelog agree. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { flagsOrExit } from './command-line.ts';
import { type Manifest, releaseFaults } from './release/faults.ts';
import { ROOT } from './root.ts';

const MANIFESTS = ['package.json', 'packages/create-countersign/package.json'] as const;

const { tag, repository } = flagsOrExit(
  'npm run release -- --tag v0.1.0 --repository owner/name',
  () => {
    const { values } = parseArgs({
      options: { tag: { type: 'string' }, repository: { type: 'string' } },
    });
    if (values.tag === undefined || values.repository === undefined)
      throw new Error('--tag and --repository are required');
    return { tag: values.tag, repository: values.repository };
  },
);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const faults = releaseFaults({
  tag,
  repository,
  manifests: Object.fromEntries(
    MANIFESTS.map((path) => [path, JSON.parse(read(path)) as Manifest]),
  ),
  changelog: read('CHANGELOG.md'),
});
for (const fault of faults) console.error(fault);
if (faults.length === 0) console.log(`${tag} can be published.`);
process.exit(faults.length === 0 ? 0 : 1);
