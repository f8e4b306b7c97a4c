import type { BrowserContext, Locator, Page } from 'playwright-core';
import { lendContext, pageOf } from './browser.ts';
import type { BrowserStack } from './browser-stack.ts';

export type Visit = {
  readonly page: Page;
  /** What the console and the page reported: a violation of the policy is among it. */
  readonly complaints: readonly string[];
};

/** Opens the dashboard in a context of the browser, by default in an empty one. */
export const visit = async (
  { browser, stack }: BrowserStack,
  inside?: BrowserContext,
): Promise<Visit> => {
  const context = inside ?? (await lendContext(browser));
  const page = await pageOf(context);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // The account was asleep and asked for a new signature (docs/wire-format.md §21): browsers report every 409.
    if (!message.text().includes('409 (Conflict)')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${stack.gateway.url}/dashboard`);
  return { page, complaints };
};

/** Data that is being read, and a chart whose code is being loaded. */
const UNFINISHED = '.skeleton, .chart .canvas:empty';

/** Waits until everything on the page was read once. */
export const read = async (page: Page): Promise<void> => {
  await page.locator(UNFINISHED).first().waitFor({ state: 'detached' });
};

/** Signs in to the dashboard of a local stack, with one of its keys. */
export const signInAs = async (
  started: BrowserStack,
  who: 'operator' | 'owner',
  inside?: BrowserContext,
): Promise<Visit> => {
  const visited = await visit(started, inside);
  await visited.page.getByRole('button', { name: `Local ${who}` }).click();
  await visited.page.getByRole('heading', { name: 'Overview' }).waitFor();
  await read(visited.page);
  return visited;
};

/** Opens a page of the dashboard by its name in the navigation. */
export const open = async (page: Page, name: string): Promise<void> => {
  const link = page.getByRole('navigation').getByRole('link', { name, exact: true });
  if (!(await link.isVisible())) {
    await page.getByRole('button', { name: 'More', exact: true }).click();
  }
  await link.click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await read(page);
};

/** Whether the answer to the read that a page began shows this. A page that is left gives up its reads. */
export const appears = async (locator: Locator): Promise<boolean> =>
  await locator
    .first()
    .waitFor({ timeout: 10_000 })
    .then(
      () => true,
      () => false,
    );
