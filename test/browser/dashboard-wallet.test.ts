import { generatePrivateKey, privateKeyToAddress, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { person } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { deployContractWallet } from '../conformance/support/wallet.ts';
import { fill, press, saveBudget } from './agent-steps.ts';
import { useSharedStack } from './browser-stack.ts';
import { read } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';
import { LOOKUP, openPanel, openWithWallet, pay } from './pay-page.ts';
import { signInWithWallet } from './wallet-session.ts';
import { REFUSALS, type WalletRefusalCase } from './wallet-refusals.ts';

const local = useSharedStack();

const owner = person('owner with a wallet');

const budgetOf = (address: string): string =>
  `${local.stack.gateway.url}/dashboard/agents/eip155:84532:${address.toLowerCase()}?tab=budget`;

/** A wallet that refuses every request with `refusal`. */
const refusing = () => {
  let current: WalletRefusalCase | undefined;
  return {
    rules: {
      refuses: (method: string) => (method === current?.method ? current.thrown : undefined),
    },
    refuse: (next: WalletRefusalCase | undefined) => {
      current = next;
    },
  };
};

beforeAll(async () => {
  await local.stack.chain.fund(owner.address, 2_000_000n);
  const client = createAgent({
    account: privateKeyToAccount(owner.privateKey),
    spend: { perCall: '$2', total: '$2' },
  });
  await client.topUp(local.stack.gateway.url, '$1');
});

describe('the wallet of an owner', () => {
  it('may refuse to sign in, in any way: the page says what to do, and signs in at the next try', async () => {
    const { rules, refuse } = refusing();
    const { page, wallet } = await openWithWallet(local, '/dashboard', { balance: 0n, rules });
    for (const each of REFUSALS) {
      refuse(each);
      wallet?.moveTo(each.chainId);
      await press(page, 'Test Wallet');
      await page
        .getByRole('alert')
        .getByText(`${each.text} You are not signed in. ${each.hint}`)
        .waitFor();
    }
    await inEveryLook(page, 'dashboard-sign-in-declined');
    refuse(undefined);
    await press(page, 'Test Wallet');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
  });

  it('may refuse a change, in any way: nothing is changed, and what was typed stays', async () => {
    const { rules, refuse } = refusing();
    const { page, wallet } = await signInWithWallet(local, owner, rules);
    await page.goto(budgetOf(owner.address));
    await fill(page, 'Per day (USDC)', '0.75');
    await press(page, 'Review the change');
    // The page requests no account for a change.
    for (const each of REFUSALS.filter(({ method }) => method !== 'eth_requestAccounts')) {
      refuse(each);
      wallet.moveTo(each.chainId);
      await press(page, 'Save with the wallet');
      await page
        .getByRole('alert')
        .getByText(`${each.text} The gateway did not receive this change. ${each.hint}`)
        .waitFor();
    }
    refuse(undefined);
    await press(page, 'Save with the wallet');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.reload();
    await read(page);
    expect(await page.getByLabel('Per day (USDC)').inputValue()).toBe('0.75');
  });

  it('may be a contract (ERC-1271): it pays, signs in, and sets a limit that binds its calls', async () => {
    const key = generatePrivateKey();
    const { client } = local.stack.chain;
    const address = await deployContractWallet({ client }, privateKeyToAddress(key));
    await local.stack.chain.fund(address, 100_000n);
    const { page } = await openWithWallet(local, LOOKUP, { key, rules: { address } });
    await openPanel(page);
    await pay(page);
    await page.getByText('You paid 0.001 USDC.').waitFor();
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);

    await page.goto(`${local.stack.gateway.url}/dashboard`);
    await press(page, 'Test Wallet');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.goto(budgetOf(address));
    await fill(page, 'Per call (USDC)', '0.0005');
    await saveBudget(page);
    await page.reload();
    await read(page);
    expect(await page.getByLabel('Per call (USDC)').inputValue()).toBe('0.0005');

    await page.goto(local.stack.gateway.url + LOOKUP);
    await page.getByRole('button', { name: 'Call again' }).click();
    await pay(page);
    await page.getByText('Nothing was paid.').waitFor();
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });
});
