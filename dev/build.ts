/** `npm run build`: the published package, `countersign/client`, as JavaScript and types in `dist/`. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './gateway-files.ts';

rmSync(join(ROOT, 'dist'), { recursive: true, force: true });
const built = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.client.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = built.status ?? 1;
