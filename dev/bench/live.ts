/**
 * `npm run bench:live`: how long a paid call takes to appear on three pages that are open: the account's own feed, the list of calls, and
 * *Overview*. It starts a local stack, calls a tool at uneven times, and counts from the answer of the call. Needs Chromium
 * (dev/browser.ts).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { createAgent } from '../../src/client/agent.ts';
import '../assets.ts';
import { CHROMIUM } from '../browser.ts';
import { people } from '../stack/people.ts';
import { startStack } from '../stack/stack.ts';
import { machine, machineLine } from './machine.ts';
import { spread } from './statistics.ts';

const CALLS = 20;
/** Pauses between calls, uneven: otherwise each call would fall into the same part of the time between two reads of a list. */
const pauseMs = (): number => 2_000 + Math.random() * 12_000;
const MOST_MS = 60_000;

/** Opens a page of the dashboard as the operator, in a browser context of its own: a page in a background tab would not be visible. */
const open = async (browser: Browser, url: string, path: string): Promise<Page> => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`${url}/dashboard`);
  await page.getByRole('button', { name: 'Local operator' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
  await page.goto(`${url}/dashboard${path}`);
  await page.locator('#main h1').waitFor();
  return page;
};

/** Milliseconds until a page links to a call. */
const appears = async (page: Page, call: string, since: number): Promise<number> => {
  await page.locator(`a[href*="${call}"]`).first().waitFor({ timeout: MOST_MS });
  return performance.now() - since;
};

const directory = mkdtempSync(join(tmpdir(), 'countersign-live-'));
const stack = await startStack({ persistTo: directory, file: join(directory, 'stack.json') });
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  const { url } = stack.gateway;
  const account = `eip155:${stack.description.chainId}:${people.agent.address.toLowerCase()}`;
  const agent = createAgent({
    account: privateKeyToAccount(people.agent.privateKey),
    spend: { perCall: '$0.10', total: '$5' },
  });
  const paidCall = async (): Promise<string> => {
    const answer = await agent.fetch(`${url}/tools/lookup?word=river`);
    await answer.text();
    return answer.countersign.call ?? '';
  };
  await paidCall();
  const paths = [`/agents/${account}`, '/calls', '/'];
  const pages = await Promise.all(paths.map(async (path) => await open(browser, url, path)));
  const times: number[][] = paths.map(() => []);
  console.log(`${machineLine(machine())}, load ${(loadavg()[0] ?? Number.NaN).toFixed(1)}`);
  for (let made = 0; made < CALLS; made += 1) {
    await new Promise((resolve) => setTimeout(resolve, pauseMs()));
    const call = await paidCall();
    const since = performance.now();
    const each = await Promise.all(pages.map(async (page) => await appears(page, call, since)));
    for (const [at, time] of each.entries()) times[at]?.push(time);
    console.log(each.map((time) => `${(time / 1000).toFixed(2)} s`).join('  '));
  }
  for (const [at, path] of ['feed of the account', 'Calls', 'Overview'].entries()) {
    const { median, min, max } = spread(times[at] ?? []);
    const [middle, least, most] = [median, min, max].map((time) => (time / 1000).toFixed(2));
    console.log(`${path.padEnd(20)} median ${middle} s, ${least} to ${most} s, ${CALLS} calls`);
  }
} finally {
  await browser.close();
  await stack.stop();
  rmSync(directory, { recursive: true, force: true });
}
