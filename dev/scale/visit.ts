import type { BrowserContext, Page, Request } from 'playwright-core';
import type { Statement } from '../../test/scale/counting-worker.ts';

/** One opening of a page. Times in milliseconds since the navigation. */
export type Visit = {
  readonly firstPaint: number;
  /** The page shows its title, and no part of it waits for data. */
  readonly ready: number;
  /** No request is under way. */
  readonly idle: number;
  /** Requests that reached the Worker. */
  readonly requests: number;
  readonly bytes: number;
  /** How far drawn elements moved without an input: the sum of the layout shifts (Layout Instability API). */
  readonly shift: number;
  /** The elements that moved most. */
  readonly moved: readonly string[];
  readonly statements: readonly Statement[];
  /** Failures that the page shows. */
  readonly problems: readonly string[];
};

/** Selector of the elements in which a page shows that a read failed. */
const PROBLEM = '.notice.bad, .empty:has-text("There is no such account yet")';
const QUIET_MS = 400;
const TIMEOUT_MS = 30_000;
/** With intervals of at least this length, a page polls. */
const POLL_MS = 1000;

/** Records when the page is ready, and disables polling, so that the page reads everything once. */
const WATCH = `
  const every = setInterval;
  window.setInterval = (run, ms, ...rest) => ms >= ${POLL_MS} ? 0 : every(run, ms, ...rest);
  const look = () => {
    const { dataset } = document.documentElement;
    if (dataset.ready !== undefined) return;
    if (document.querySelector('#main h1') === null || document.querySelector('.skeleton') !== null) return;
    dataset.ready = performance.now();
  };
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      if (hadRecentInput) continue;
      const moved = sources.map(({ node, previousRect, currentRect }) =>
        (node?.nodeName ?? '') + '.' + (node?.className ?? '') + ' ' + previousRect.y + ' to ' + currentRect.y);
      window.shifts.push({ value, moved });
    }
  }).observe({ type: 'layout-shift', buffered: true });
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
`;

/** Script that returns the browser's measurements of the page. */
const TIMING = `(() => {
  const entries = ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type));
  return {
    firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null,
    ready: Number(document.documentElement.dataset.ready),
    bytes: entries.reduce((sum, { transferSize }) => sum + transferSize, 0),
    shift: window.shifts.reduce((sum, { value }) => sum + value, 0),
    moved: window.shifts.flatMap(({ moved }) => moved),
  };
})()`;

/** Prepares the pages of a context. */
export const watch = async (context: BrowserContext): Promise<void> => {
  await context.addInitScript(WATCH);
};

/** The statements that the Worker has sent to D1 since the last read. */
const statementsOf = async (gateway: string): Promise<readonly Statement[]> =>
  (await (await fetch(`${gateway}/__statements`)).json()) as readonly Statement[];

/** Whether a request is an event stream, which stays open. */
const isStream = (request: Request): boolean => new URL(request.url()).pathname.endsWith('/events');
const isOfWorker = (request: Request): boolean => !request.url().includes('/dashboard/assets/');

/** Opens an address by a navigation. @throws Error if the page is not ready in time */
export const visit = async (page: Page, gateway: string, address: string): Promise<Visit> => {
  await statementsOf(gateway);
  const open = new Set<Request>();
  let requests = 0;
  let lastEnd = performance.now();
  const onStart = (request: Request): void => {
    if (isOfWorker(request)) requests += 1;
    if (!isStream(request)) open.add(request);
  };
  const onEnd = (request: Request): void => {
    open.delete(request);
    lastEnd = performance.now();
  };
  const events = { request: onStart, requestfinished: onEnd, requestfailed: onEnd };
  page.on('request', onStart).on('requestfinished', onEnd).on('requestfailed', onEnd);
  const began = performance.now();
  await page.goto(`${gateway}/dashboard${address}`, { waitUntil: 'commit' });
  await page.locator('html[data-ready]').waitFor({ state: 'attached', timeout: TIMEOUT_MS });
  while (open.size > 0 || performance.now() - lastEnd < QUIET_MS) {
    if (performance.now() - began > TIMEOUT_MS) throw new Error(`${address} never ends to read`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  for (const [name, listener] of Object.entries(events))
    page.off(name as 'request', listener as typeof onStart);
  const problems = await page.locator(PROBLEM).allTextContents();
  const timing: Pick<Visit, 'firstPaint' | 'ready' | 'bytes' | 'shift' | 'moved'> =
    await page.evaluate(TIMING);
  const statements = await statementsOf(gateway);
  return { ...timing, idle: lastEnd - began, requests, statements, problems };
};
