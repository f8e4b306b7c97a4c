import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { ROOT } from '../../dev/root.ts';

/** The folder for screenshots. Git ignores it, and each run empties it. */
export const PICTURES = join(ROOT, '.dev/pictures');

/** Writes a screenshot of the whole page. */
export const picture = async (page: Page, name: string): Promise<void> => {
  await page.screenshot({
    path: join(PICTURES, `${name}.png`),
    fullPage: true,
    animations: 'disabled',
  });
};
