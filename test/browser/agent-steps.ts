import type { Page } from 'playwright-core';
import type { Hex } from 'viem';
import type { Person } from '../../dev/stack/people.ts';
import { open, read } from './dashboard-page.ts';

/** Types into a field by its label. */
export const fill = async (page: Page, label: string, text: string): Promise<void> =>
  await page.getByLabel(label, { exact: true }).fill(text);

export const press = async (page: Page, name: string): Promise<void> =>
  await page.getByRole('button', { name, exact: true }).click();

/** Opens a tab of an agent's page. */
export const tab = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('link', { name, exact: true }).click();
  await read(page);
};

/** Reviews the budget and signs it. */
export const saveBudget = async (page: Page): Promise<void> => {
  await press(page, 'Review the change');
  await page.getByText('Past calls').waitFor();
  await press(page, 'Save with the wallet');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};

/** Creates an agent through the page, as a user does. @returns the hash of its grant, which the page shows for the agent */
export const makeAgent = async (
  page: Page,
  { address }: Pick<Person, 'address'>,
  total: string,
): Promise<Hex> => {
  await open(page, 'Agents');
  await page.getByRole('link', { name: 'Make an agent' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'New agent' }).waitFor();
  await fill(page, 'Address of the agent', address);
  await fill(page, 'In total (USDC)', total);
  await press(page, 'Review the grant');
  await press(page, 'Sign with the wallet');
  await page.getByText('Give this to the agent').waitFor();
  const code = page.locator('.copy-command code', { hasText: 'createAgent' });
  const text = await code.textContent();
  const [grant] = /0x[0-9a-f]{64}/.exec(text ?? '') ?? [];
  if (grant === undefined) throw new Error(`The page names no grant: ${text}`);
  return grant as Hex;
};
