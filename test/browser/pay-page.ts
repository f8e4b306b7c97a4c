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
  /** Errors of the page and its console, including violations of the content security policy. */
  readonly complaints: readonly string[];
};

export type With = {
  /** Atomic units in the wallet. Undefined: the browser has no wallet. */
  readonly balance?: bigint;
  /** A new key by default. */
  readonly key?: Hex;
  readonly rules?: WalletRules;
};

/** Opens a page in an empty context of the browser, with its own wallet. */
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
  // Another test covers the keys of the local stack.
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

/** Presses the button that pays, in the only open panel. */
export const pay = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /^(?:Pay \d|Pay at most|Call$)/ }).click();
};
