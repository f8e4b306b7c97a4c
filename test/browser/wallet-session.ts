import type { BrowserContext, Page } from 'playwright-core';
import type { Person } from '../../dev/stack/people.ts';
import { lendContext, pageOf } from './browser.ts';
import type { BrowserStack } from './browser-stack.ts';
import { read } from './dashboard-page.ts';
import { addSigningWallet, type SigningWallet, type WalletRules } from './signing-wallet.ts';

/** Signs in to the dashboard with the wallet of `person`, by default in an empty context of the browser. */
export const signInWithWallet = async (
  { browser, stack }: BrowserStack,
  { privateKey }: Person,
  rules: WalletRules = {},
  inside?: BrowserContext,
): Promise<{ readonly page: Page; readonly wallet: SigningWallet }> => {
  const page = await pageOf(inside ?? (await lendContext(browser)));
  const wallet = await addSigningWallet(inside ?? page, privateKey, stack.chain.rpc, rules);
  await page.goto(`${stack.gateway.url}/dashboard`);
  await page.getByRole('button', { name: rules.name ?? 'Test Wallet', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await read(page);
  return { page, wallet };
};
