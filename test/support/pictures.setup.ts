import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { PICTURES } from '../browser/pictures.ts';

/** Empties the folder of screenshots before the tests. @returns a function that prints where the new screenshots are */
export const setup = (): (() => void) => {
  rmSync(PICTURES, { recursive: true, force: true });
  mkdirSync(PICTURES, { recursive: true });
  return () => console.log(`${readdirSync(PICTURES).length} screenshots are in ${PICTURES}`);
};
