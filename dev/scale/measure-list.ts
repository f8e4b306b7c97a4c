import type { Page } from 'playwright-core';
import { launch, signIn } from './measure-pages.ts';
import type { World } from './world.ts';

/** How long the page could not react while a user loads, scrolls or searches the list of agents. */
export type MeasuredList = {
  readonly step: 'more' | 'scroll' | 'search';
  readonly times: number;
  /** Rows that the list had after the step. */
  readonly rows: number;
  /** Tasks of more than 50 ms (Long Tasks API). */
  readonly longTasks: readonly number[];
  /** Median time until the page showed the rows. */
  readonly medianMs: number;
};

const SEARCH = 'agent 12';
const SCROLLS = 200;

const OBSERVE = `(() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) window.longTasks.push(Math.round(duration));
  }).observe({ type: 'longtask' });
})()`;
const TAKE = `window.longTasks.splice(0)`;
/** Height of the list in pixels, rows that are not drawn included. */
const HEIGHT = `document.querySelector('table').getBoundingClientRect().height`;
const ROW_HEIGHT = 49;

const rowsOf = async (page: Page): Promise<number> =>
  Math.floor(Number(await page.evaluate(HEIGHT)) / ROW_HEIGHT);

const middle = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN;

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const began = performance.now();
  await act();
  return performance.now() - began;
};

/** Opens the list of agents as an operator, loads more until all are there, scrolls through the list, and searches it. */
export const measureList = async (
  { stack }: World,
  accounts: number,
): Promise<readonly MeasuredList[]> => {
  const { url } = stack.gateway;
  const browser = await launch();
  try {
    const { page } = await signIn(browser, url, 'operator');
    await page.goto(`${url}/dashboard/agents`);
    await page.locator('.agent-row').first().waitFor();
    await page.evaluate(OBSERVE);
    const steps: MeasuredList[] = [];
    const note = async (step: MeasuredList['step'], times: readonly number[]): Promise<void> => {
      // The browser reports a task only after the task ended.
      await new Promise((resolve) => setTimeout(resolve, 200));
      const longTasks: readonly number[] = await page.evaluate(TAKE);
      const rows = await rowsOf(page);
      steps.push({ step, times: times.length, rows, longTasks, medianMs: middle(times) });
    };
    const more = page.getByRole('button', { name: /^Show \d+ more$/ });
    const clicks: number[] = [];
    for (let before = await rowsOf(page); before < accounts - 1; before = await rowsOf(page)) {
      if ((await more.count()) === 0) break;
      clicks.push(
        await timed(async () => {
          await more.click();
          while ((await rowsOf(page)) <= before + 1 && (await more.count()) > 0);
        }),
      );
    }
    await note('more', clicks);
    const scrolls: number[] = [];
    for (let at = 0; at <= SCROLLS; at += 1) {
      scrolls.push(
        await timed(async () => {
          await page.evaluate(`scrollTo(0, document.body.scrollHeight * ${at / SCROLLS})`);
          await page.evaluate('new Promise((done) => requestAnimationFrame(() => done(0)))');
        }),
      );
    }
    await note('scroll', scrolls);
    await page.evaluate('scrollTo(0, 0)');
    const search = page.getByRole('searchbox', { name: 'Name' });
    const keys: number[] = [];
    for (const key of SEARCH) {
      keys.push(
        await timed(async () => {
          await search.press(key === ' ' ? 'Space' : key);
          await page.locator('.agent-row').first().waitFor();
        }),
      );
    }
    await note('search', keys);
    return steps;
  } finally {
    await browser.close();
  }
};
