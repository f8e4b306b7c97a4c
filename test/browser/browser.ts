import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../../dev/browser.ts';

/** No sandbox, because tests may run as root; no requests of the browser's own. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How long a page may take for each step: lists follow the log by seconds, and are read again every ten. */
const PATIENCE_MS = 60_000;

const start = async (): Promise<Browser> => {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no Chromium at ${CHROMIUM}`);
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    headless: true,
    args: FLAGS,
  });
  browser.on('context', (context) => context.setDefaultTimeout(PATIENCE_MS));
  return browser;
};

/** The browser of this worker, which ends with it. */
let started: Promise<Browser> | undefined;
/** Emptied contexts, for the next tests. */
const idle = new Set<BrowserContext>();
const lent = new Set<BrowserContext>();

/** Returns a headless Chromium with a profile of its own: the same one for all files of a worker. */
export const sharedBrowser = async (): Promise<Browser> => await (started ??= start());

/**
 * Returns a context that stores nothing, until the test ends. It may have been another test's: the files of the dashboard are still in its
 * cache, and a page opens in less than half the time. A test that changes the clock, scripts or functions of a context makes one with
 * `newContext`, because these cannot be undone.
 */
export const lendContext = async (browser: Browser): Promise<BrowserContext> => {
  const [context = await browser.newContext({ viewport: { width: 1280, height: 900 } })] = idle;
  idle.delete(context);
  lent.add(context);
  return context;
};

/** Returns the only page of a context: an empty one has a blank page. */
export const pageOf = async (context: BrowserContext): Promise<Page> =>
  context.pages()[0] ?? (await context.newPage());

/** Closes all pages, and leaves nothing that the next borrower could find: no route, no cookie, no storage of `origin`. */
const empty = async (context: BrowserContext, origin: string): Promise<void> => {
  const pages = context.pages();
  const blank = await context.newPage();
  await Promise.all(pages.map(async (page) => await page.close()));
  await context.unrouteAll({ behavior: 'ignoreErrors' });
  await context.clearCookies();
  const inspector = await context.newCDPSession(blank);
  await inspector.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
  await inspector.detach();
};

/** Ends the pages of a test: empties the contexts that it borrowed, and closes those that it made. */
export const endPages = async (browser: Browser, origin: string): Promise<void> => {
  const borrowed = [...lent];
  lent.clear();
  const own = browser
    .contexts()
    .filter((context) => !idle.has(context) && !borrowed.includes(context));
  await Promise.all([
    ...own.map(async (context) => await context.close()),
    ...borrowed.map(async (context) => {
      await empty(context, origin);
      idle.add(context);
    }),
  ]);
};
