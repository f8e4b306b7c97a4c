import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { createAgent } from '../../src/client/agent.ts';
import { startBrowser } from './browser.ts';
import { axe, LOOKS, open, picture, read, signInAs } from './dashboard-page.ts';
import { SCROLL_WIDTH } from './in-page.ts';

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

describe('the dashboard', () => {
  it('signs in with one signature, and shows the calls of all accounts to an operator', async () => {
    const { page, complaints } = await signInAs(browser, stack.gateway.url, 'operator');
    await expect
      .poll(() => page.getByText('lookup').count(), { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it('continues after a reload, and needs a new signature after signing out', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'operator');
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
  });

  it.each(LOOKS)(
    'has no fault that axe finds: $colorScheme, $width px',
    async ({ colorScheme, width }) => {
      const { page, complaints } = await signInAs(browser, stack.gateway.url, 'operator', {
        colorScheme,
        width,
      });
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
    },
  );
});
