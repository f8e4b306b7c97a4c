import type { Page } from 'playwright-core';
import type { Person } from '../../dev/stack/people.ts';
import type { BrowserStack } from './browser-stack.ts';
import { read } from './dashboard-page.ts';
import { addSigningWallet, type SigningWallet, type WalletRules } from './signing-wallet.ts';

/** Signs in to the dashboard with a wallet that signs for a person, in a fresh browser context. */
export const signInWithWallet = async (
  { browser, stack }: BrowserStack,
  { privateKey }: Person,
  rules: WalletRules = {},
): Promise<{ readonly page: Page; readonly wallet: SigningWallet }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const wallet = await addSigningWallet(context, privateKey, stack.chain.rpc, rules);
  const page = await context.newPage();
  await page.goto(`${stack.gateway.url}/dashboard`);
  await page.getByRole('button', { name: rules.name ?? 'Test Wallet', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await read(page);
  return { page, wallet };
};
