import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';

/** A folder for screenshots, if set. */
const PICTURES = process.env['PICTURES'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

export type Look = { readonly width?: number; readonly colorScheme?: 'light' | 'dark' };

const EVERY_LOOK: readonly Required<Look>[] = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 390 },
  { colorScheme: 'dark', width: 1280 },
  { colorScheme: 'light', width: 390 },
];

/** How pages are looked at: each width and each scheme once, and in all four pairs for screenshots. */
export const LOOKS = PICTURES === undefined ? EVERY_LOOK.slice(0, 2) : EVERY_LOOK;

export type Visit = {
  readonly page: Page;
  /** What the console and the page reported: a violation of the policy is among it. */
  readonly complaints: readonly string[];
};

/** Opens an address in a fresh browser context. */
export const visit = async (browser: Browser, url: string, look: Look = {}): Promise<Visit> => {
  const { width = 1280, colorScheme = 'light' } = look;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // The account was asleep and asked for a new signature (docs/wire-format.md §21): browsers report every 409.
    if (!message.text().includes('409 (Conflict)')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(url, { waitUntil: 'networkidle' });
  return { page, complaints };
};

/** Signs in to the dashboard of a local stack, with one of its keys. */
export const signInAs = async (
  browser: Browser,
  gateway: string,
  who: 'operator' | 'owner',
  look: Look = {},
): Promise<Visit> => {
  const visited = await visit(browser, `${gateway}/dashboard`, look);
  await visited.page.getByRole('button', { name: `Local ${who}` }).click();
  await visited.page.getByRole('heading', { name: 'Overview' }).waitFor();
  await visited.page.waitForLoadState('networkidle');
  return visited;
};

/** Waits until everything on the page was read once. */
export const read = async (page: Page): Promise<void> => {
  await expect.poll(() => page.locator('.skeleton').count(), { timeout: 30_000 }).toBe(0);
};

/** Opens a page of the dashboard by its name in the navigation. */
export const open = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('navigation').getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await read(page);
};

/** What axe finds against WCAG 2.2 AA. */
export const axe = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    type Result = {
      readonly violations: readonly {
        readonly id: string;
        readonly nodes: readonly { readonly html: string }[];
      }[];
    };
    const { axe: run } = globalThis as unknown as {
      readonly axe: { readonly run: (options: object) => Promise<Result> };
    };
    const { violations } = await run.run({ runOnly: tags });
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }, WCAG);
};

/** Writes a screenshot, if `PICTURES` names a folder. */
export const picture = async (page: Page, name: string): Promise<void> => {
  if (PICTURES === undefined) return;
  const path = join(PICTURES, `dashboard-${name}.png`);
  await page.screenshot({ path, fullPage: true, animations: 'disabled' });
};
