import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/gateway-files.ts';

/** Builds `countersign/client` before all tests that may run it, so that what they run is what is published. */
export const setup = async (): Promise<void> => {
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
