import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { CHROMIUM } from '../../dev/browser.ts';

/** No sandbox, because tests may run as root, and no background requests of the browser itself. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** How long a page may take for each step: lists lag behind the log by seconds, and pages reload them every ten seconds. */
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

/** The browser of this worker. It stops with the worker. */
let started: Promise<Browser> | undefined;
/** Emptied contexts that later tests can borrow. */
const idle = new Set<BrowserContext>();
const lent = new Set<BrowserContext>();

/** Returns a headless Chromium with its own profile. All files of a worker share it. */
export const sharedBrowser = async (): Promise<Browser> => await (started ??= start());

/**
 * Lends an empty context until the test ends. Another test may have used it: the dashboard's files are still in its cache, so a page opens
 * in less than half the time. A test that changes the clock, scripts or functions of a context must create one with `newContext`, because
 * these changes cannot be undone.
 */
export const lendContext = async (browser: Browser): Promise<BrowserContext> => {
  const [context = await browser.newContext({ viewport: { width: 1280, height: 900 } })] = idle;
  idle.delete(context);
  lent.add(context);
  return context;
};

/** Returns the only page of a context: an empty context has a blank page. */
export const pageOf = async (context: BrowserContext): Promise<Page> =>
  context.pages()[0] ?? (await context.newPage());

/** Closes all pages, and removes everything that the next borrower could find: routes, cookies, storage of `origin`. */
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

/** Ends the pages of a test: empties the contexts that it borrowed and closes those that it created. */
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
