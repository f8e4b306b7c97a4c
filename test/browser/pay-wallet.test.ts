import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { useBrowserStack } from './browser-stack.ts';
import { inEveryLook } from './looks.ts';
import { LOOKUP, openPanel, openWithWallet, pay } from './pay-page.ts';
import { addSigningWallet, type WalletRules } from './signing-wallet.ts';
import { REFUSALS } from './wallet-refusals.ts';

/** The local chain, and Arbitrum Sepolia, on which this test makes no payment. */
const NETWORKS = ['eip155:84532', 'eip155:421614'] as const;
const ARBITRUM = 421_614;

const local = useBrowserStack(() => ({
  wire: (real) => {
    const each = <T>(value: T): string =>
      JSON.stringify(Object.fromEntries(NETWORKS.map((network) => [network, value])));
    const variables = { PAY_TO: each(people.payTo), RPC_URLS: each([real.rpc]) };
    return Promise.resolve({ ...real, variables });
  },
}));

describe('the wallet that pays', () => {
  it('may refuse in any way: the page says what to do, keeps what was typed, and pays at the next try', async () => {
    let refusal: (typeof REFUSALS)[number] | undefined;
    const { page, wallet, address } = await openWithWallet(local, LOOKUP, {
      balance: 100_000n,
      rules: {
        refuses: (method) => (method === refusal?.method ? refusal.thrown : undefined),
      },
    });
    await openPanel(page);
    await page.getByLabel('word').fill('edge');
    for (const each of REFUSALS) {
      refusal = each;
      wallet?.moveTo(each.chainId);
      await pay(page);
      const notice = page.getByRole('alert');
      await notice.getByText(`${each.text} Nothing was paid.`).waitFor();
      expect(await notice.innerText(), each.text).toContain(each.hint);
      expect(await page.getByLabel('word').inputValue()).toBe('edge');
    }
    await inEveryLook(page, 'pay-declined');
    expect(wallet?.signed).toEqual([]);
    expect(await local.stack.chain.balanceOf(address)).toBe(100_000n);
    refusal = undefined;
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('"word": "edge"');
  });

  it('signs on the network that the person chose, and on the default one otherwise', async () => {
    const domains: unknown[] = [];
    const refuses: WalletRules['refuses'] = (method, params) => {
      if (method !== 'eth_signTypedData_v4') return undefined;
      const { domain } = JSON.parse(String(params[1])) as {
        readonly domain: { readonly chainId: number };
      };
      domains.push(domain.chainId);
      return domain.chainId === ARBITRUM ? { code: 4001, message: 'declined' } : undefined;
    };
    const { page, wallet, address } = await openWithWallet(local, LOOKUP, {
      balance: 100_000n,
      rules: { refuses },
    });
    await openPanel(page);
    const select = page.getByLabel('Network');
    expect(await select.locator('option').allInnerTexts()).toEqual([
      'Base Sepolia',
      'Arbitrum Sepolia',
    ]);
    await page.getByText('You pay 0.001 USDC on Base Sepolia.').waitFor();
    await select.selectOption('Arbitrum Sepolia');
    await page.getByText('You pay 0.001 USDC on Arbitrum Sepolia.').waitFor();
    await inEveryLook(page, 'pay-networks');
    await pay(page);
    await page.getByText('You declined in the wallet. Nothing was paid.').waitFor();
    expect(await select.inputValue()).toBe('eip155:421614');
    expect(wallet?.calls).toContain('wallet_switchEthereumChain');

    await select.selectOption('Base Sepolia');
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(domains).toEqual([ARBITRUM, 84_532]);
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('is named where the browser has none', async () => {
    const { page } = await openWithWallet(local, LOOKUP);
    await openPanel(page);
    await page.getByText('This browser has no wallet.').waitFor();
    expect(await page.getByRole('button', { name: /^Pay \d/ }).isDisabled()).toBe(true);
    expect(await page.getByRole('link', { name: 'Rabby' }).getAttribute('rel')).toBe(
      'noopener noreferrer',
    );
    await inEveryLook(page, 'pay-no-wallet');
  });

  it('is one of several that a person chooses, with the keyboard alone', async () => {
    const { page, address, wallet } = await openWithWallet(local, '/', {
      balance: 100_000n,
    });
    const second = generatePrivateKey();
    await local.stack.chain.fund(privateKeyToAddress(second), 100_000n);
    await addSigningWallet(page, second, local.stack.description.rpc, { name: 'Second Wallet' });
    await page.goto(local.stack.gateway.url + LOOKUP);
    await page.getByRole('button', { name: 'Pay with a wallet: lookup' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('word').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('INPUT');
    await page.keyboard.press('Tab');
    await page.locator('select:focus').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByRole('radio', { name: 'Second Wallet' }).isChecked()).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.panel h2:focus', { hasText: 'Answer' }).waitFor();
    expect(wallet?.signed).toEqual([]);
    expect(await local.stack.chain.balanceOf(address)).toBe(100_000n);
    expect(await local.stack.chain.balanceOf(privateKeyToAddress(second))).toBe(99_000n);
  });

  it('may be the owner of a local stack, and the page says what that is', async () => {
    const { page, context } = await openWithWallet(local, LOOKUP);
    await context.unrouteAll();
    await page.reload();
    await openPanel(page);
    await page.getByRole('radio', { name: /Local owner.*its money is not real/ }).waitFor();
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.getByRole('link', { name: 'See it on the explorer' }).count()).toBe(0);
  });
});
