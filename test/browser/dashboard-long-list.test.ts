import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import { nth } from '../scale/fill.ts';
import { useBrowserStack } from './browser-stack.ts';
import { open, signInAs } from './dashboard-page.ts';

const ACCOUNTS = 170;
const NAMES = Array.from({ length: ACCOUNTS }, (_, at) => `agent ${String(at).padStart(3, '0')}`);
const LONG = { timeout: 30_000 };

const local = useBrowserStack(() => ({ shield: 100_000 }));

beforeAll(async () => {
  const operator = openOperator(local.stack.gateway);
  for (const [at, label] of NAMES.entries()) {
    const account = nth(at + 1);
    await operator.call('accounts.put', { params: { account }, body: { label }, ifNoneMatch: '*' });
  }
});

const SCROLLED = 'Math.round(scrollY)';
const HEIGHT = 'document.body.scrollHeight';
/** A script that tells whether each row on the screen is drawn. */
const IS_DRAWN = `[...document.querySelectorAll('.undrawn')].every((block) => {
  const { top, bottom } = block.getBoundingClientRect();
  return bottom <= 0 || top >= innerHeight;
})`;

/** The names of the drawn rows, which must equal the list. */
const drawn = async (page: Page): Promise<readonly string[]> =>
  (await page.locator('.agent-row td:first-child a').allTextContents()).filter((name) =>
    name.startsWith('agent '),
  );

it('grows a list of agents in place, and draws only the rows near the screen', async () => {
  const { page } = await signInAs(local, 'operator');
  // An account's log reaches D1 after some seconds.
  const operator = openOperator(local.stack.gateway);
  const stored = async (): Promise<number> => {
    let count = 0;
    for await (const _ of operator.list('accounts.list', { query: { label: 'agent ' } }))
      count += 1;
    return count;
  };
  await expect.poll(stored, { timeout: 60_000, interval: 1000 }).toBe(ACCOUNTS);
  await open(page, 'Agents');
  await page.getByRole('searchbox', { name: 'Name' }).fill('agent ');
  await expect.poll(() => drawn(page), LONG).toEqual(NAMES.slice(0, 50));
  const more = page.getByRole('button', { name: 'Show 50 more' });

  await more.scrollIntoViewIfNeeded();
  const before: number = await page.evaluate(SCROLLED);
  await more.click();
  await expect.poll(() => drawn(page), LONG).toContain('agent 099');
  expect(await page.evaluate(SCROLLED)).toBe(before);

  await more.click();
  await expect.poll(() => drawn(page), LONG).toContain('agent 149');
  await more.click();
  await expect.poll(() => drawn(page), LONG).toContain('agent 169');
  expect(await more.count()).toBe(0);

  const height: number = await page.evaluate(HEIGHT);
  const seen: string[] = [];
  for (let top = 0; top < height; top += 400) {
    await page.evaluate(`scrollTo(0, ${top})`);
    await expect
      .poll(
        async () => [await page.evaluate(IS_DRAWN), (await drawn(page)).length < ACCOUNTS],
        LONG,
      )
      .toEqual([true, true]);
    const now = await drawn(page);
    seen.push(...now.filter((name) => !seen.includes(name)));
  }
  expect(seen).toEqual(NAMES);
  expect(await page.evaluate(HEIGHT)).toBe(height);
});
