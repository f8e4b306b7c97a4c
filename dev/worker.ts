/** `npm run worker`: builds what `npm run deploy` deploys, in `.dev/worker/`. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { buildWorker } from './worker-modules.ts';

const directory = join(ROOT, '.dev/worker');
// A module of an earlier build would be deployed along.
rmSync(directory, { recursive: true, force: true });
await buildWorker(directory);
