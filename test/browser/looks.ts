import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { axe } from './axe.ts';
import { SCROLL_WIDTH } from './in-page.ts';
import { picture } from './pictures.ts';

type Look = { readonly width: number; readonly colorScheme: 'light' | 'dark' };

/**
 * How every page is looked at. The first look is the one in which tests use a page. No rule of a style depends on width and colour scheme
 * together, so two looks show each width and each scheme.
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
 * Looks at an open page in each width and colour scheme, as a person may change them: axe finds nothing, nothing is wider than the screen,
 * and a screenshot is left. The page has its first look again afterwards.
 */
export const inEveryLook = async (page: Page, name: string): Promise<void> => {
  // What lies under the pointer would look otherwise.
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
