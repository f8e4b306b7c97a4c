import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '../../conformance/support/world.ts';
import type { Home } from './home.ts';

/** Writes the description of a running stack where `npm start` writes it. */
export const putStackFile = async ({ stack }: World, home: Home): Promise<Home> => {
  await mkdir(join(home.directory, '.dev'), { recursive: true });
  await copyFile(stack.file, join(home.directory, '.dev', 'stack.json'));
  return home;
};
