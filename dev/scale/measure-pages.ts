import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { BUSY, nth } from '../../test/scale/fill.ts';
import { median } from '../bench/statistics.ts';
import { CHROMIUM } from '../browser.ts';
import { addressesOf, type Address, type Who } from './page-addresses.ts';
import { type Visit, visit, watch } from './visit.ts';
import type { World } from './world.ts';

/** The measurements of a page: the medians of its visits, and each visit. */
export type MeasuredPage = Address & {
  readonly readyMs: number;
  readonly firstPaintMs: number;
  readonly idleMs: number;
  readonly requests: number;
  readonly statements: number;
  readonly rowsRead: number;
  readonly databaseMs: number;
  readonly bytes: number;
  /** SQL statements that scan a growing table. */
  readonly scans: readonly string[];
  readonly problems: readonly string[];
  readonly visits: readonly Omit<Visit, 'statements' | 'problems'>[];
};

const SIZE = { width: 1280, height: 900 };

export const launch = async (): Promise<Browser> =>
  await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] });

/** Opens a page that is signed in with a key of the stack. */
export const signIn = async (
  browser: Browser,
  gateway: string,
  who: Who,
): Promise<{ readonly page: Page; readonly context: BrowserContext }> => {
  const context = await browser.newContext({ viewport: SIZE });
  await watch(context);
  const page = await context.newPage();
  await page.goto(`${gateway}/dashboard`);
  await page.getByRole('button', { name: `Local ${who}` }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.waitForLoadState('networkidle');
  return { page, context };
};

const summary = (address: Address, visits: readonly Visit[]): MeasuredPage => {
  const of = (value: (one: Visit) => number): number => median(visits.map(value));
  const sumOf = (one: Visit, value: (each: Visit['statements'][number]) => number): number =>
    one.statements.reduce((sum, each) => sum + value(each), 0);
  return {
    who: address.who,
    path: address.path,
    readyMs: of(({ ready }) => ready),
    firstPaintMs: of(({ firstPaint }) => firstPaint),
    idleMs: of(({ idle }) => idle),
    requests: of(({ requests }) => requests),
    statements: of(({ statements }) => statements.length),
    rowsRead: of((one) => sumOf(one, ({ rowsRead }) => rowsRead)),
    databaseMs: of((one) => sumOf(one, ({ milliseconds }) => milliseconds)),
    bytes: of(({ bytes }) => bytes),
    scans: [
      ...new Set(
        visits.flatMap(({ statements }) =>
          statements.filter(({ scans }) => scans.length > 0).map(({ sql }) => sql),
        ),
      ),
    ],
    problems: [...new Set(visits.flatMap(({ problems }) => problems))],
    visits: visits.map(({ statements: _, problems: _of, ...one }) => one),
  };
};

/** Opens every page `rounds` times, in turn: a slow minute of the machine then affects all pages alike. */
export const measurePages = async (
  { stack, fleet }: World,
  rounds: number,
  print: (line: string) => void,
): Promise<readonly MeasuredPage[]> => {
  const { url } = stack.gateway;
  const browser = await launch();
  try {
    const pages = {
      operator: (await signIn(browser, url, 'operator')).page,
      owner: (await signIn(browser, url, 'owner')).page,
    };
    const addresses = addressesOf({ ...fleet, busiest: nth(BUSY) });
    const visits = new Map<Address, Visit[]>(addresses.map((address) => [address, []]));
    for (let round = 0; round <= rounds; round += 1) {
      for (const each of addresses) {
        const seen = await visit(pages[each.who], url, each.address);
        // The first round does not count: it loads code that browser and gateway keep.
        if (round > 0) visits.get(each)?.push(seen);
      }
      print(`round ${round} of ${rounds}`);
    }
    return [...visits].map(([address, seen]) => summary(address, seen));
  } finally {
    await browser.close();
  }
};
