import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it, vi } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createManagement } from '../../src/client/management.ts';
import { useSharedStack } from './browser-stack.ts';
import { inEveryLook } from './looks.ts';
import { LOOKUP, openPanel, openWithWallet, pay } from './pay-page.ts';

const local = useSharedStack();

const operator = () =>
  createManagement({
    gateway: local.stack.gateway.url,
    account: privateKeyToAccount(people.operator.privateKey),
  });

const PATIENCE = { timeout: 60_000, interval: 250 };

/** Opens the page of a known payer with a call that must wait for approval: `translate` costs $0.02. */
const waitingPayer = async () => {
  let isDeclining = false;
  const visited = await openWithWallet(local, LOOKUP, {
    balance: 100_000n,
    rules: {
      refuses: (method) =>
        isDeclining && method === 'eth_signTypedData_v4'
          ? { code: 4001, message: 'declined' }
          : undefined,
    },
  });
  const { page, address } = visited;
  // A payer without an account cannot wait for approval, so it pays once first.
  await openPanel(page);
  await pay(page);
  await page.getByText('You paid 0.001 USDC.').waitFor();
  const params = { account: `eip155:84532:${address.toLowerCase()}` };
  await operator().call('accounts.policy.put', { params, body: { approveAbove: '$0.01' } });

  await page.goto(`${local.stack.gateway.url}/`);
  await openPanel(page, 'translate');
  // The page still shows the panel of the look-up above.
  const panel = page.getByRole('region', { name: 'Pay for translate' });
  await panel.getByLabel('text', { exact: true }).fill('river');
  await panel.getByLabel('to', { exact: true }).selectOption('fr');
  await panel.getByRole('button', { name: 'Pay 0.02 USDC' }).click();
  await panel.getByText('A person must approve calls like this one.').waitFor();
  return {
    ...visited,
    panel,
    /** The waiting call, as the operator's list shows it. */
    waiting: async () =>
      await vi.waitFor(async () => {
        for await (const { call } of operator().list('account.approvals', { params }))
          return { ...params, call };
        throw new Error('No call waits.');
      }, PATIENCE),
    decline: () => {
      isDeclining = true;
    },
    accept: () => {
      isDeclining = false;
    },
  };
};

describe('a call that waits for a person', () => {
  it('runs once a person approves it, while the page stays open', async () => {
    const before = local.stack.upstream.counts().translate;
    const { page, panel, wallet, waiting } = await waitingPayer();
    await inEveryLook(page, 'pay-approval');
    await operator().call('approvals.approve', { params: await waiting() });
    await panel.getByText('You paid 0.02 USDC.').waitFor(PATIENCE);
    await panel.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(local.stack.upstream.counts().translate - before).toBe(1);
    expect(wallet?.signed.filter((type) => type === 'TransferWithAuthorization')).toHaveLength(2);
  });

  it('costs nothing if a person refuses it', async () => {
    const { panel, address, waiting } = await waitingPayer();
    await operator().call('approvals.refuse', {
      params: await waiting(),
      body: { reason: 'too dear' },
    });
    await panel.getByText('Nothing was paid.').waitFor(PATIENCE);
    expect(await panel.getByLabel('text', { exact: true }).inputValue()).toBe('river');
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('is not paid for again if the person stops waiting in the wallet', async () => {
    const { page, panel, wallet, address, decline, accept } = await waitingPayer();
    decline();
    await panel.getByRole('heading', { name: 'Payment without an answer' }).waitFor(PATIENCE);
    const look = panel.getByRole('button', { name: 'Look up the payment' });
    await look.click();
    await panel.getByText('You declined in the wallet.').waitFor();
    expect(await panel.innerText()).not.toContain('Nothing was paid');
    accept();
    await look.click();
    await panel.getByText('so the call will not run, and costs nothing').waitFor();
    await inEveryLook(page, 'pay-approval-left');
    expect(wallet?.signed.filter((type) => type === 'TransferWithAuthorization')).toHaveLength(2);
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });
});
