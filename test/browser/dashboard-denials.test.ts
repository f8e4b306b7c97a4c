import type { Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { useBrowserStack } from './browser-stack.ts';
import { open, read, signInAs, type Visit } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';

/** The numbers of paid and of failed calls of the tool lookup, and of calls that each rule denied. */
const PAID = 2;
const FAILED = 1;
const DENIED = { per_call: 3, window: 2 };
const ALL_DENIED = DENIED.per_call + DENIED.window;
/** The account logs a denial after ten seconds, and a queue carries the entry to D1. */
const LOGGED = { timeout: 60_000 };

const local = useBrowserStack(() => ({
  variables: {
    DEFAULT_POLICY: JSON.stringify({
      perCall: '10000u',
      exposure: '1000000u',
      rate: { limit: 1000, seconds: 1 },
      windows: [{ every: 'day', limit: '2500u' }],
    }),
  },
}));

beforeAll(async () => {
  const { url } = local.stack.gateway;
  const agent = createAgent({
    account: privateKeyToAccount(people.agent.privateKey),
    spend: { perCall: '$0.05', total: '$1' },
  });
  const lookUp = async (word: string): Promise<number> => {
    const answer = await agent.fetch(`${url}/tools/lookup?word=${word}`);
    await answer.text();
    return answer.status;
  };
  const translate = async (): Promise<number> => {
    const answer = await agent.fetch(`${url}/tools/translate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ text: 'river', to: 'fr' }),
    });
    return answer.status;
  };
  const statuses = [await lookUp('river'), await lookUp('qqqqqq'), await lookUp('bank')];
  for (let nth = 0; nth < DENIED.per_call; nth += 1) statuses.push(await translate());
  for (let nth = 0; nth < DENIED.window; nth += 1) statuses.push(await lookUp(`edge${nth}`));
  if (statuses.join(' ') !== '200 404 200 403 403 403 429 429')
    throw new Error(`The calls got ${statuses.join(' ')}.`);
});

/** Signs in and waits until the totals include the denials. The page reloads them every ten seconds. */
const signIn = async (): Promise<Visit> => {
  const visited = await signInAs(local, 'operator');
  await open(visited.page, 'Denials');
  await visited.page.getByText(`${ALL_DENIED} calls were denied.`).waitFor(LOGGED);
  return visited;
};

const DENIALS = { name: 'Denied calls, one by one' };

/** The sum of a table's last column. */
const sumOf = async (page: Page, name: string): Promise<number> => {
  const rows = await page.getByRole('table', { name }).getByRole('row').all();
  const cells = await Promise.all(rows.slice(1).map((row) => row.locator('td').last().innerText()));
  return cells.reduce((sum, text) => sum + Number(text), 0);
};

describe('the denials of an agent', () => {
  it('are listed one by one, and add up to each number that was clicked', async () => {
    const { page, complaints } = await signIn();
    await page.getByRole('table', { name: 'Denied calls by agent' }).getByRole('link').click();
    await page.getByText(`${ALL_DENIED} denied calls, equal to the total`).waitFor();
    expect(await sumOf(page, DENIALS.name)).toBe(ALL_DENIED);
    const rules = page.getByRole('table', { name: 'Denied calls by rule' });
    await rules.getByRole('link', { name: 'per call' }).click();
    await page.getByText(`${DENIED.per_call} denied calls, equal to the total`).waitFor();
    expect(await sumOf(page, DENIALS.name)).toBe(DENIED.per_call);
    const row = page.getByRole('table', DENIALS).getByRole('row').nth(1);
    for (const text of ['per call', '0.02 USDC', '0.01 USDC'])
      expect(await row.innerText()).toContain(text);
    await row.getByRole('link', { name: 'translate' }).click();
    await page.getByText('Denied by the rule “per call').waitFor();
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('are reached from Calls by outcome and by rule, with the filters in the address', async () => {
    const { page } = await signIn();
    await open(page, 'Calls');
    await page.getByLabel('Outcome').selectOption('denied');
    await page.getByText('Choose an agent').waitFor();
    expect(await sumOf(page, 'Denied calls by agent')).toBe(ALL_DENIED);
    await page.getByLabel('Denied by').selectOption('window');
    await page.getByText(`${DENIED.window} calls were denied`).waitFor();
    await page.getByRole('table', { name: 'Denied calls by agent' }).getByRole('link').click();
    await page.getByText(`${DENIED.window} denied calls, equal to the total`).waitFor();
    expect(await sumOf(page, DENIALS.name)).toBe(DENIED.window);
    await page.reload();
    await page.getByText(`${DENIED.window} denied calls, equal to the total`).waitFor();
    await page.getByLabel('Outcome').selectOption('committed');
    await page.getByRole('table', { name: 'Calls' }).waitFor();
    expect(new URL(page.url()).searchParams.get('rule')).toBe(null);
  });

  it('and the other figures of a tool lead to rows that add up to them', async () => {
    const { page } = await signIn();
    const figures: Readonly<Record<string, readonly [figure: string, says: string]>> = {
      Calls: [`${PAID + FAILED}`, `${PAID + FAILED} calls: 0.002 USDC charged, equal to the total`],
      Failed: [
        `${Math.floor((100 * FAILED) / (PAID + FAILED))} %`,
        `${FAILED} call: 0 charged, as many as the total of the ledger`,
      ],
      Denied: [`${DENIED.window}`, `${DENIED.window} calls were denied`],
      Charged: ['0.002 USDC', `${PAID + FAILED} calls: 0.002 USDC charged, equal to the total`],
    };
    for (const [head, [figure, says]] of Object.entries(figures)) {
      await open(page, 'Tools');
      const table = page.getByRole('table', { name: 'Tools' });
      const heads = await table.getByRole('columnheader').allInnerTexts();
      const row = table.getByRole('row').filter({ hasText: 'lookup' });
      const cell = row.getByRole('cell').nth(heads.indexOf(head));
      expect(await cell.innerText(), head).toBe(figure);
      await cell.getByRole('link').click();
      await page.getByText(says).waitFor();
    }
    await page.goto(`${local.stack.gateway.url}/dashboard/tools/id/lookup`);
    await page.getByRole('link', { name: `${DENIED.window}`, exact: true }).click();
    await page.getByText(`${DENIED.window} calls were denied`).waitFor();
  });

  it('fit every screen, and axe finds nothing', async () => {
    const { page } = await signIn();
    await page.getByRole('table', { name: 'Denied calls by agent' }).getByRole('link').click();
    await page.getByRole('table', DENIALS).waitFor();
    await read(page);
    await inEveryLook(page, 'denials-agent');
    await open(page, 'Calls');
    await page.getByLabel('Outcome').selectOption('denied');
    await page.getByText('Choose an agent').waitFor();
    await inEveryLook(page, 'denials-calls');
    await open(page, 'Tools');
    await inEveryLook(page, 'denials-tools');
  });
});
