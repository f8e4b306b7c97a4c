import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../dev/gateway-files.ts';

/** Builds `countersign/client`, so that what a test runs is what is published. */
export const buildPackage = async (): Promise<void> => {
  await promisify(execFile)(process.execPath, [join(ROOT, 'dev/build.ts')], { cwd: ROOT });
};
