/** `npm run worker [-- DIRECTORY [ENTRY [TOOLS]]]`: builds the modules that `npm run deploy` uploads, in `.dev/worker/` by default. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './root.ts';
import { buildWorker } from './worker-modules.ts';

const [directory = join(ROOT, '.dev/worker'), entry, tools] = process.argv.slice(2);
// Otherwise wrangler would upload modules of an earlier build as well.
rmSync(directory, { recursive: true, force: true });
await buildWorker(directory, entry, tools);
