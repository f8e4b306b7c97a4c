import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { createAgent } from '../../src/client/agent.ts';
import { startBrowser } from './browser.ts';
import { SCROLL_WIDTH } from './in-page.ts';

/** A folder for screenshots, if set. */
const PICTURES = process.env['PICTURES'];
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
let stack: Stack;
let browser: Browser;

const WORDS = ['river', 'bank', 'edge'];

beforeAll(async () => {
  stack = await startStack({ persistTo: directory, file: join(directory, 'stack.json') });
  browser = await startBrowser();
  const agent = createAgent({
    account: privateKeyToAccount(people.agent.privateKey),
    spend: { perCall: '$0.01', total: '$1' },
  });
  for (const word of WORDS) {
    const answer = await agent.fetch(`${stack.gateway.url}/tools/lookup?word=${word}`);
    await answer.text();
    if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
  }
});

afterEach(async () => {
  await Promise.all(browser.contexts().map(async (context) => await context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

type Look = { readonly width?: number; readonly colorScheme?: 'light' | 'dark' };

type Visit = {
  readonly page: Page;
  /** What the console and the page reported: a violation of the policy is among it. */
  readonly complaints: readonly string[];
};

const visit = async (target = '/dashboard', look: Look = {}): Promise<Visit> => {
  const { width = 1280, colorScheme = 'light' } = look;
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() !== 'error' && message.type() !== 'warning') return;
    // The account was asleep and asked for a new signature (docs/wire-format.md §21): browsers report every 409.
    if (!message.text().includes('409 (Conflict)')) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(stack.gateway.url + target, { waitUntil: 'networkidle' });
  return { page, complaints };
};

const signInAs = async (who: 'operator' | 'owner', look: Look = {}): Promise<Visit> => {
  const visited = await visit('/dashboard', look);
  await visited.page.getByRole('button', { name: `Local ${who}` }).click();
  await visited.page.getByRole('heading', { name: 'Overview' }).waitFor();
  await visited.page.waitForLoadState('networkidle');
  return visited;
};

/** Waits until everything on the page was read once. */
const read = async (page: Page): Promise<void> => {
  await expect.poll(() => page.locator('.skeleton').count(), { timeout: 30_000 }).toBe(0);
};

const open = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('navigation').getByRole('link', { name }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await read(page);
};

const axe = async (page: Page): Promise<readonly string[]> => {
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

const picture = async (page: Page, name: string): Promise<void> => {
  if (PICTURES === undefined) return;
  const path = join(PICTURES, `dashboard-${name}.png`);
  await page.screenshot({ path, fullPage: true, animations: 'disabled' });
};

describe('the dashboard', () => {
  it('signs in with one signature, and shows the calls of all accounts to an operator', async () => {
    const { page, complaints } = await signInAs('operator');
    await expect
      .poll(() => page.getByText('lookup').count(), { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it('continues after a reload, and needs a new signature after signing out', async () => {
    const { page } = await signInAs('operator');
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
  });

  it.each([
    ['light', 1280],
    ['dark', 1280],
    ['light', 390],
    ['dark', 390],
  ] as const)('has no fault that axe finds: %s, %i px', async (colorScheme, width) => {
    const { page, complaints } = await signInAs('operator', { colorScheme, width });
    for (const name of ['Overview', 'Agents', 'Calls', 'Settlements', 'Approvals']) {
      await open(page, name);
      await picture(page, `${name.toLowerCase()}-${colorScheme}-${width}`);
      expect(await axe(page), name).toEqual([]);
      const scrollWidth: number = await page.evaluate(SCROLL_WIDTH);
      expect(scrollWidth, name).toBeLessThanOrEqual(width);
    }
    await open(page, 'Agents');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByText('Money and limits').waitFor();
    await read(page);
    await picture(page, `agent-${colorScheme}-${width}`);
    expect(await axe(page), 'agent').toEqual([]);
    expect(complaints).toEqual([]);
  });
});
