import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/root.ts';

/** Builds the package before all tests that may run it, so that what they run is what is published; and what the gateway serves. */
export const setup = async (): Promise<void> => {
  await import('../../dev/openapi.ts');
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
