import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/root.ts';

/** Builds what the Worker serves as files, and the package, before the tests: none of them looks at an older dashboard or command. */
export const setup = async (): Promise<void> => {
  await import('../../dev/assets.ts');
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
