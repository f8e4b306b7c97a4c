import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import { useBrowserStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { open, read, signInAs, type Visit } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';

const WORDS = ['river', 'bank', 'edge'];
const CALLS = WORDS.length;

const local = useBrowserStack();

beforeAll(async () => await buy(local.stack, people.agent, WORDS));

/** Signs in and waits until the lists have the calls. The page reloads them every ten seconds. */
const signIn = async (): Promise<Visit> => {
  const visited = await signInAs(local, 'operator');
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
    await page.getByRole('searchbox', { name: 'Tool' }).fill('translate');
    await page.getByRole('searchbox', { name: 'Tool' }).press('Enter');
    await page.getByText('No calls match.').waitFor();
    expect(new URL(page.url()).search).toBe('?tool=translate');
    await page.reload();
    await page.getByText('No calls match.').waitFor();
    await page.goBack();
    await page.getByRole('table', { name: 'Calls' }).waitFor();
    expect(await page.getByRole('searchbox', { name: 'Tool' }).inputValue()).toBe('');
  });

  it('fit every screen, and axe finds nothing', async () => {
    const { page } = await signIn();
    await read(page);
    await inEveryLook(page, 'totals-overview');
    await page
      .locator('section', { hasText: 'used credit, less refunds' })
      .getByRole('link')
      .first()
      .click();
    await page.getByRole('heading', { level: 1, name: 'Earned' }).waitFor();
    await read(page);
    await inEveryLook(page, 'totals-earned');
    for (const title of ['Spending', 'Denials', 'Calls', 'Settlements']) {
      await open(page, title);
      await inEveryLook(page, `totals-${title.toLowerCase()}`);
    }
  });

  it('of settlements lead to the payments that they count', async () => {
    const { page } = await signIn();
    await open(page, 'Settlements');
    const settled = page.getByRole('link', { name: `${CALLS} settled 0.00${CALLS} USDC` });
    await settled.click({ timeout: 90_000 });
    await read(page);
    expect(await sum(page)).toBe(
      `${CALLS} payments: 0.00${CALLS} USDC, equal to the total of the ledger.`,
    );
    const rows = page.getByRole('table', { name: 'Payments that are settled' }).locator('tbody tr');
    expect(await rows.count()).toBe(CALLS);
    expect(new URL(page.url()).search).toMatch(/^\?from=[-0-9]{10}&to=[-0-9]{10}&line=settled$/);
    await page.getByRole('link', { name: /^0 written off/ }).click();
    await page.getByText('No payments are written off.').waitFor();
    await page.goBack();
    await rows.first().waitFor();
  });

  it('of what was earned lead to payments, calls and refunds whose three sums add up to it', async () => {
    const { page, complaints } = await signIn();
    await refundOne();
    // The payment settles and D1 stores the refund some seconds later.
    const figure = page
      .locator('section', { hasText: 'used credit, less refunds' })
      .getByRole('link')
      .first();
    await expect.poll(() => figure.innerText(), { timeout: 60_000 }).toBe('0.0025 USDC');
    await figure.click();
    await page.getByRole('heading', { level: 1, name: 'Earned' }).waitFor();
    await read(page);
    expect(new URL(page.url()).search).toMatch(/^\?from=[-0-9]{10}&to=[-0-9]{10}&asset=eip155/);
    expect(await sum(page)).toMatch(
      /^Earned: 0\.0025 USDC, read from the ledger at .+\. The rows below add up to this number\.$/,
    );
    const kinds = page.getByRole('table', { name: 'Earned by kind' }).locator('tbody tr');
    const sums = await kinds.evaluateAll((rows) =>
      rows.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText)),
    );
    expect(sums).toEqual([
      ['Settled payments', `${CALLS}`, `0.00${CALLS} USDC`],
      ['Calls paid with credit', '0', '0'],
      ['Refunds and decisions', '1', '−0.0005 USDC'],
    ]);
    const rowsIn = (name: string) => page.getByRole('table', { name }).locator('tbody tr').count();
    expect(await rowsIn('Settled payments')).toBe(CALLS);
    expect(await rowsIn('Later changes to charges')).toBe(1);
    await page.getByRole('searchbox', { name: 'Tool' }).fill('translate');
    await page.getByRole('searchbox', { name: 'Tool' }).press('Enter');
    await page.getByText('Nothing was earned in this period.').waitFor();
    expect(complaints).toEqual([]);
  });
});

/** Refunds half of the first call's price, as an operator. */
const refundOne = async (): Promise<void> => {
  const management = openOperator(local.stack.gateway);
  for await (const { account, call } of management.list('calls.list')) {
    const body = { amount: '500', reason: 'half of it was wrong' };
    await management.call('calls.refund', { params: { account, call }, body });
    return;
  }
};
