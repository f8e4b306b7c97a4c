import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { axe } from './axe.ts';
import { SCROLL_WIDTH } from './in-page.ts';
import { picture } from './pictures.ts';

type Look = { readonly width: number; readonly colorScheme: 'light' | 'dark' };

/**
 * The widths and colour schemes in which every page is checked. Tests use pages in the first one. No style depends on both width and
 * scheme, so two looks cover each width and each scheme.
 */
const LOOKS: readonly Look[] = [
  { width: 1280, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
];

const apply = async (page: Page, { width, colorScheme }: Look): Promise<void> => {
  await page.setViewportSize({ width, height: 900 });
  await page.emulateMedia({ colorScheme });
};

/**
 * Checks an open page in each width and colour scheme: axe finds nothing and nothing is wider than the screen. Leaves a screenshot of each,
 * and then restores the first look.
 */
export const inEveryLook = async (page: Page, name: string): Promise<void> => {
  // An element under the pointer would look different.
  await page.mouse.move(0, 0);
  for (const look of LOOKS) {
    const { width, colorScheme } = look;
    const called = `${name}-${colorScheme}-${width}`;
    await apply(page, look);
    await picture(page, called);
    expect(await axe(page), called).toEqual([]);
    expect(await page.evaluate<number>(SCROLL_WIDTH), called).toBeLessThanOrEqual(width);
  }
  const [first] = LOOKS;
  if (first !== undefined) await apply(page, first);
};
