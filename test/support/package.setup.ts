import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/root.ts';

/** Builds the Worker's static assets and the package before the tests, so that no test runs an outdated dashboard or command. */
export const setup = async (): Promise<void> => {
  await import('../../dev/assets.ts');
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
