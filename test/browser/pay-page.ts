import type { BrowserContext, Page } from 'playwright-core';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { lendContext, pageOf } from './browser.ts';
import type { BrowserStack } from './browser-stack.ts';
import { addSigningWallet, type SigningWallet, type WalletRules } from './signing-wallet.ts';

/** A public page of the gateway, in a browser with or without a wallet. */
export type Visit = {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly wallet: SigningWallet | undefined;
  readonly address: `0x${string}`;
  /** What the console and the page reported: a violation of the policy is among it. */
  readonly complaints: readonly string[];
};

export type With = {
  /** Atomic units in the wallet; undefined: no wallet. */
  readonly balance?: bigint;
  /** Default: a new one. */
  readonly key?: Hex;
  readonly rules?: WalletRules;
};

/** Opens a page in an empty context of the browser, with a wallet of its own. */
export const openWithWallet = async (
  local: BrowserStack,
  target: string,
  { balance, key, rules }: With = {},
): Promise<Visit> => {
  const context = await lendContext(local.browser);
  const page = await pageOf(context);
  const privateKey = key ?? generatePrivateKey();
  const address = privateKeyToAddress(privateKey);
  if (balance !== undefined && balance > 0n) await local.stack.chain.fund(address, balance);
  const wallet =
    balance === undefined && key === undefined
      ? undefined
      : await addSigningWallet(page, privateKey, local.stack.description.rpc, rules);
  // The keys of the local stack are a test of their own.
  await context.route('**/dashboard/local-keys.json', (route) => route.fulfill({ status: 204 }));
  const complaints: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    if ((message.type() === 'error' || message.type() === 'warning') && !/\b40[124]\b/.test(text))
      complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(local.stack.gateway.url + target);
  return { page, context, wallet, address, complaints };
};

export const LOOKUP = '/tools/lookup?word=river';

/** Opens the panel of a tool. */
export const openPanel = async (page: Page, tool = 'lookup'): Promise<void> => {
  await page.getByRole('button', { name: new RegExp(`with a wallet: ${tool}$`) }).click();
  await page
    .getByRole('region', { name: `Pay for ${tool}` })
    .getByRole('button', { name: 'Close' })
    .waitFor();
};

/** Presses the button that pays, of the only open panel. */
export const pay = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /^(?:Pay \d|Pay at most|Call$)/ }).click();
};
