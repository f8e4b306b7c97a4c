import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
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
const CALLS = WORDS.length;

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

/** Signs in, and waits until the calls are in the lists, which are read again every 15 seconds. */
const signIn = async (look = {}): Promise<{ page: Page; complaints: readonly string[] }> => {
  const visited = await signInAs(browser, stack.gateway.url, 'operator', look);
  await visited.page
    .getByRole('table', { name: 'Spending by tool' })
    .getByRole('cell', { name: `0.00${CALLS} USDC` })
    .waitFor({ timeout: 50_000 });
  return visited;
};

const sum = (page: Page): Promise<string> => page.locator('.sum[role="status"]').innerText();

describe('the totals of the dashboard', () => {
  it('lead to rows that add up to them, down to the calls', async () => {
    const { page, complaints } = await signIn();
    const figure = page.locator('.figures').first().getByRole('link').first();
    const total = await figure.innerText();
    await figure.click();
    await page.getByRole('heading', { level: 1, name: 'Spending' }).waitFor();
    await read(page);
    expect(await sum(page)).toContain(total);
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByRole('heading', { level: 1, name: 'Calls' }).waitFor();
    await read(page);
    expect(await sum(page)).toContain(
      `${CALLS} calls: ${total} charged, equal to the total of the ledger.`,
    );
    expect(await page.getByRole('table', { name: 'Calls' }).getByRole('row').count()).toBe(
      CALLS + 1,
    );
    expect(complaints).toEqual([]);
  });

  it('keep their filters in the address bar, and the back button undoes each', async () => {
    const { page } = await signIn();
    await open(page, 'Calls');
    await page.getByLabel('Tool').fill('translate');
    await page.getByLabel('Tool').press('Enter');
    await page.getByText('No calls match.').waitFor();
    expect(new URL(page.url()).search).toBe('?tool=translate');
    await page.reload();
    await page.getByText('No calls match.').waitFor();
    await page.goBack();
    await page.getByRole('table', { name: 'Calls' }).waitFor();
    expect(await page.getByLabel('Tool').inputValue()).toBe('');
  });

  it('fit every screen, and axe finds nothing', async () => {
    for (const look of LOOKS) {
      const { page } = await signIn(look);
      const name = `${look.width}-${look.colorScheme}`;
      const seen = async (title: string): Promise<void> => {
        await read(page);
        expect(await page.evaluate(SCROLL_WIDTH), `${title} ${name}`).toBeLessThanOrEqual(
          look.width,
        );
        expect(await axe(page), `${title} ${name}`).toEqual([]);
        await picture(page, `totals-${title.toLowerCase()}-${name}`);
      };
      await seen('Overview');
      for (const title of ['Spending', 'Denials', 'Calls']) {
        await open(page, title);
        await seen(title);
      }
      await page.context().close();
    }
  });
});
