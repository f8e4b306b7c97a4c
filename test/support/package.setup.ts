import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/root.ts';

/** Builds the package and the gateway's OpenAPI document before the tests, so that they run what is published. */
export const setup = async (): Promise<void> => {
  await import('../../dev/assets.ts');
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
