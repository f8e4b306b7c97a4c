import type { BrowserContext, Page, Route } from 'playwright-core';
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts';
import { describe, expect, it, vi } from 'vitest';
import { person } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { makeAgent } from './agent-steps.ts';
import { useSharedStack } from './browser-stack.ts';
import { inEveryLook } from './looks.ts';
import { addSigningWallet, type WalletRules } from './signing-wallet.ts';
import { signInWithWallet } from './wallet-session.ts';

const local = useSharedStack();

const EVENTUALLY = { timeout: 30_000 };
const CREDITS = '**/credits?**';
/** The purchases that the browser has stored. */
const KEPT = `Object.keys(localStorage).filter((key) => key.startsWith('countersign-credit'))`;
const FUNDS = 50_000_000n;

const accountOf = (address: string): string => `eip155:84532:${address.toLowerCase()}`;

/** Opens the account page of an owner that has money in its wallet, no credit, and no account at the gateway yet. */
const newOwner = async (name: string, rules: WalletRules = {}, inside?: BrowserContext) => {
  const owner = person(name);
  await local.stack.chain.fund(owner.address, FUNDS);
  const { page, wallet } = await signInWithWallet(local, owner, rules, inside);
  const account = accountOf(owner.address);
  await page.goto(`${local.stack.gateway.url}/dashboard/agents/${account}`);
  return {
    ...{ owner, page, wallet, account },
    left: () => local.stack.chain.balanceOf(owner.address),
  };
};

const openDialog = async (page: Page) => {
  await page.getByRole('button', { name: 'Buy credit', exact: true }).click(EVENTUALLY);
  const dialog = page.getByRole('dialog');
  await dialog.waitFor(EVENTUALLY);
  return dialog;
};

const PAUSED = {
  status: 503,
  contentType: 'application/problem+json',
  body: JSON.stringify({
    ...{ type: 'urn:countersign:problem:paused', title: 'paused', status: 503 },
    detail: 'The gateway is paused.',
    final: true,
  }),
};

const payments = (signed: readonly string[]): number =>
  signed.filter((type) => type === 'TransferWithAuthorization').length;

/**
 * Passes the unsigned request on and drops every answer to a signed one. `arrive`: whether the first signed attempt reaches the gateway.
 */
const loseAnswers = async (page: Page, arrive: boolean): Promise<readonly string[]> => {
  const sent: string[] = [];
  await page.route(CREDITS, async (route: Route) => {
    const payment = route.request().headers()['payment-signature'];
    if (payment === undefined) {
      await route.continue();
      return;
    }
    sent.push(payment);
    if (arrive && sent.length === 1) await route.fetch();
    await route.abort();
  });
  return sent;
};

describe('an owner without credit', () => {
  it('buys it with the wallet, and its agent without money calls at once', async () => {
    const { page, wallet, account, left } = await newOwner('credit buyer');
    const agent = person('credit agent');
    const authority = await makeAgent(page, agent, '5');
    const { fetch } = createAgent({
      ...{ account: privateKeyToAccount(agent.privateKey), authority },
      spend: { perCall: '$0.10', total: '$1', onlyCredit: true },
    });
    const lookUp = async (): Promise<number> =>
      (await fetch(`${local.stack.gateway.url}/tools/lookup?word=river`)).status;
    expect(await lookUp()).toBe(403);

    await page.goto(`${local.stack.gateway.url}/dashboard`);
    await page.getByText('You have no credit.').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-none-overview');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${account}`);
    await page.getByText('You have no credit.').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-none');
    const dialog = await openDialog(page);
    await dialog.getByText('USDC on Base Sepolia').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-dialog');

    await dialog.getByLabel('Amount (USDC)').fill('0.0001');
    await dialog.getByRole('button', { name: 'Buy credit' }).click();
    await dialog.getByText('Buy at least 0.001 USDC').waitFor();
    expect(wallet.signed).not.toContain('TransferWithAuthorization');

    await dialog.getByRole('button', { name: '20 USDC' }).click();
    wallet.moveTo(8453);
    await dialog.getByRole('button', { name: 'Buy 20.00 USDC of credit' }).dblclick();
    await dialog.getByText('You bought 20.00 USDC of credit on Base Sepolia').waitFor(EVENTUALLY);
    await dialog.locator('dd', { hasText: '20.00 USDC' }).waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-bought');
    expect(payments(wallet.signed)).toBe(1);
    expect(wallet.calls).toContain('wallet_switchEthereumChain');
    expect(await left()).toBe(FUNDS - 20_000_000n);
    expect(await lookUp()).toBe(200);

    await dialog.getByRole('link', { name: 'See the payment' }).click();
    await page
      .getByText(/Payment settled in 0x/)
      .first()
      .waitFor(EVENTUALLY);
  });

  it('may decline: nothing is paid, and what was typed stays', async () => {
    let isWilling = false;
    const { page, wallet, left } = await newOwner('credit decliner', {
      refuses: (method, params) =>
        !isWilling && method === 'eth_signTypedData_v4' && String(params[1]).includes('Transfer')
          ? { code: 4001, message: 'declined' }
          : undefined,
    });
    await page.getByText('You have no agents yet.').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-new-owner');
    const dialog = await openDialog(page);
    await dialog.getByLabel('Amount (USDC)').fill('2.50');
    const buy = dialog.getByRole('button', { name: 'Buy 2.50 USDC of credit' });
    await buy.click();
    await dialog.getByText('You declined in the wallet. Nothing was paid.').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-declined');
    expect(payments(wallet.signed)).toBe(0);
    isWilling = true;
    await buy.click();
    await dialog.getByText('You bought 2.50 USDC of credit').waitFor(EVENTUALLY);
    await vi.waitFor(async () => expect(await left()).toBe(FUNDS - 2_500_000n), EVENTUALLY);
  });

  it('is asked for one signature at a time, whatever dialog or tab asks', async () => {
    const signing = Promise.withResolvers<void>();
    let isHolding = false;
    const before = async (method: string): Promise<void> => {
      if (isHolding && method === 'eth_signTypedData_v4') await signing.promise;
    };
    const context = await local.browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page, wallet, account, left } = await newOwner('credit tabs', { before }, context);
    const dialog = await openDialog(page);
    await dialog.getByLabel('Amount (USDC)').fill('7');
    isHolding = true;
    await dialog.getByRole('button', { name: 'Buy 7.00 USDC of credit' }).click();
    await dialog.getByText('Open the wallet and confirm the payment.').waitFor(EVENTUALLY);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await openDialog(page);
    const waiting = dialog.getByRole('button', { name: 'Confirm in the wallet' });
    await waiting.waitFor(EVENTUALLY);
    expect(await waiting.isDisabled()).toBe(true);
    expect(await dialog.getByLabel('Amount (USDC)').inputValue()).toBe('7.00');

    const tab = await context.newPage();
    await tab.goto(`${local.stack.gateway.url}/dashboard/agents/${account}`);
    const second = await openDialog(tab);
    await second.getByRole('button', { name: 'Buy 5.00 USDC of credit' }).click(EVENTUALLY);
    await second.getByText('Another purchase is under way in this browser.').waitFor(EVENTUALLY);
    signing.resolve();
    await dialog.getByText('You bought 7.00 USDC of credit').waitFor(EVENTUALLY);
    expect(payments(wallet.signed)).toBe(1);
    expect(await left()).toBe(FUNDS - 7_000_000n);
  });

  it('sees which account of another wallet pays before that one signs', async () => {
    const { page, wallet, left } = await newOwner('credit friend');
    const second = generatePrivateKey();
    const friend = privateKeyToAddress(second);
    await local.stack.chain.fund(friend, FUNDS);
    const other = await addSigningWallet(page, second, local.stack.chain.rpc, {
      name: 'Second Wallet',
    });
    await page.reload();
    const dialog = await openDialog(page);
    await dialog.getByLabel('Wallet').selectOption('Second Wallet');
    const buy = dialog.getByRole('button', { name: 'Buy 5.00 USDC of credit' });
    await buy.click();
    await dialog.getByText('which this dialog did not show').waitFor(EVENTUALLY);
    expect(other.signed).toEqual([]);
    await dialog.locator(`code[title="${friend.toLowerCase()}"]`).waitFor();
    await buy.click();
    await vi.waitFor(
      async () => expect(await local.stack.chain.balanceOf(friend)).toBe(FUNDS - 5_000_000n),
      EVENTUALLY,
    );
    await dialog.getByText('You bought 5.00 USDC of credit').waitFor(EVENTUALLY);
    expect(payments(wallet.signed)).toBe(0);
    expect(await left()).toBe(FUNDS);
  });
});

describe('a purchase whose answer is lost', () => {
  it.each([
    ['arrived', true],
    ['never arrived', false],
  ])(
    'and that %s is charged once, also after the dialog was closed and the page reloaded',
    async (name, arrive) => {
      const { page, wallet, left } = await newOwner(`credit lost ${name}`);
      const sent = await loseAnswers(page, arrive);
      const dialog = await openDialog(page);
      await dialog.getByRole('button', { name: 'Buy 5.00 USDC of credit' }).click();
      const again = dialog.getByRole('button', { name: 'Ask again' });
      await again.waitFor(EVENTUALLY);
      expect(await dialog.getByRole('button', { name: /^Buy/ }).count()).toBe(0);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await openDialog(page);
      await again.waitFor();
      await page.reload();
      await openDialog(page);
      await again.waitFor(EVENTUALLY);
      await inEveryLook(page, `credit-lost-${arrive ? 'arrived' : 'away'}`);
      await page.unroute(CREDITS);
      const repeat = page.waitForRequest(CREDITS);
      await again.click();
      expect((await repeat).headers()['payment-signature']).toBe(sent[0]);
      await dialog.getByText('You bought 5.00 USDC of credit').waitFor(EVENTUALLY);
      await vi.waitFor(async () => expect(await left()).toBe(FUNDS - 5_000_000n), EVENTUALLY);
      expect(payments(wallet.signed)).toBe(1);
      expect(new Set(sent).size).toBe(1);
      expect(await page.evaluate(KEPT)).toEqual([]);
    },
  );
});

describe('a gateway', () => {
  it('that refuses the signed payment is not believed: the same payment is sent again', async () => {
    const { page, wallet, left } = await newOwner('credit refused');
    await page.route(CREDITS, async (route: Route) => {
      const isSigned = route.request().headers()['payment-signature'] !== undefined;
      await (isSigned ? route.fulfill(PAUSED) : route.continue());
    });
    const dialog = await openDialog(page);
    await dialog.getByRole('button', { name: 'Buy 5.00 USDC of credit' }).click();
    await dialog.getByRole('heading', { name: 'Unfinished purchase' }).waitFor(EVENTUALLY);
    await dialog.getByText('“The gateway is paused.” The signed payment can').waitFor(EVENTUALLY);
    expect(await dialog.getByText('Nothing was paid').count()).toBe(0);
    await inEveryLook(page, 'credit-refused');
    await page.unroute(CREDITS);
    await dialog.getByRole('button', { name: 'Ask again' }).click();
    await dialog.getByText('You bought 5.00 USDC of credit').waitFor(EVENTUALLY);
    expect(payments(wallet.signed)).toBe(1);
    expect(await left()).toBe(FUNDS - 5_000_000n);
  });

  it('that sells no credit is named as one, and the wallet is not asked', async () => {
    const { page, wallet } = await newOwner('credit nowhere');
    await page.route(CREDITS, (route) => route.fulfill({ status: 404 }));
    const dialog = await openDialog(page);
    await dialog.getByText('This gateway sells no credit on Base Sepolia.').waitFor(EVENTUALLY);
    await inEveryLook(page, 'credit-unsold');
    expect(payments(wallet.signed)).toBe(0);
  });
});
