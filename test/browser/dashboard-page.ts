import type { BrowserContext, Locator, Page } from 'playwright-core';
import { lendContext, pageOf } from './browser.ts';
import type { BrowserStack } from './browser-stack.ts';

export type Visit = {
  readonly page: Page;
  /** Errors of the page and its console, including violations of the content security policy. */
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
    // Browsers report every 409 as an error. Here an evicted account requests a new signature (docs/wire-format.md §21).
    if (!message.text().includes('409 (Conflict)')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(`${stack.gateway.url}/dashboard`);
  return { page, complaints };
};

/** Placeholders for data that the page still loads, and a chart whose code is still loading. */
const UNFINISHED = '.skeleton, .chart .canvas:empty';

/** Waits until the page has loaded all its data once. */
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
  const navigation = page.getByRole('navigation', { name: 'Pages' });
  await navigation.waitFor();
  const link = navigation.getByRole('link', { name, exact: true });
  if (!(await link.isVisible())) {
    await page.getByRole('button', { name: 'More', exact: true }).click();
  }
  await link.click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await read(page);
};

/** Tells whether the page shows this once its current read is answered. A page cancels its reads when the user leaves it. */
export const appears = async (locator: Locator): Promise<boolean> =>
  await locator
    .first()
    .waitFor({ timeout: 10_000 })
    .then(
      () => true,
      () => false,
    );
