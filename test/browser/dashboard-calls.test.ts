import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { person } from '../../dev/stack/people.ts';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import { createAgent } from '../../src/client/agent.ts';
import { ApprovalRequired } from '../../src/client/pending-approval.ts';
import { useSharedStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { open, read, signInAs } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';
import { signInWithWallet } from './wallet-session.ts';

const local = useSharedStack();

/** Lists lag behind the log by seconds, and pages reload them every ten seconds. */
const LISTED = { timeout: 50_000 };
const SPEND = { perCall: '$2', total: '$2' } as const;
const agent = person('agent whose calls wait');
const owner = person('owner that calls');
const account = `eip155:84532:${agent.address.toLowerCase()}` as const;

/** Makes a call of `translate`, for $0.02, that must wait for approval. */
const park = async (): Promise<ApprovalRequired> => {
  const client = createAgent({ account: privateKeyToAccount(agent.privateKey), spend: SPEND });
  const parked = await client
    .fetch(`${local.stack.gateway.url}/tools/translate`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'river', to: 'fr' }),
    })
    .catch((thrown: unknown) => thrown);
  if (!(parked instanceof ApprovalRequired)) throw new Error(`not parked: ${String(parked)}`);
  return parked;
};

beforeAll(async () => {
  for (const { address } of [agent, owner]) await local.stack.chain.fund(address, 2_000_000n);
  await buy(local.stack, agent);
  const operator = openOperator(local.stack.gateway);
  await operator.call('accounts.policy.put', {
    params: { account },
    body: { approveAbove: '$0.015', windows: [{ every: 'day', limit: '$1' }] },
  });
  await operator.call('accounts.put', { params: { account }, body: { label: 'Alice' } });
  const client = createAgent({ account: privateKeyToAccount(owner.privateKey), spend: SPEND });
  await client.topUp(local.stack.gateway.url, '$1');
});

describe('a call that waits for a person', () => {
  it('shows its tool and price on every screen, and what became of it after the approval', async () => {
    const parked = await park();
    const { page, complaints } = await signInAs(local, 'operator');
    await open(page, 'Approvals');
    const row = page.getByRole('row', { name: /translate.*above 0\.015 USDC.*0\.02 USDC/ });
    await row.waitFor(LISTED);
    // The row shows the request, the digest of its body, the payee, and what the call leaves of the limit.
    await row.getByText('POST /tools/translate').waitFor(LISTED);
    await row.getByText('The gateway keeps no body').waitFor();
    await row.getByRole('button', { name: 'Copy the payee' }).waitFor();
    await row.getByText(/^leaves 0\.\d+ of .* USDC per day/).waitFor(LISTED);
    await inEveryLook(page, 'calls-approvals');
    await page.setViewportSize({ width: 390, height: 900 });
    expect(await row.getByRole('link', { name: 'translate' }).isVisible()).toBe(true);
    await page.setViewportSize({ width: 1280, height: 900 });
    await row.getByRole('link', { name: 'translate' }).click();
    await page.getByRole('heading', { level: 1, name: /^translate, waiting, by/ }).waitFor(LISTED);
    await page.getByText('Waits for a person at 0.02 USDC').waitFor();
    await page.getByText('No money has moved yet.').waitFor();
    await inEveryLook(page, 'calls-waiting');
    await page.getByRole('link', { name: 'Approve or refuse it' }).click();
    await row.getByRole('button', { name: 'Approve', exact: true }).click();
    await page.getByText('approved, waits for the agent’s retry').waitFor();
    const approved = page.getByRole('table', { name: 'Approved calls' });
    await approved.getByRole('row', { name: /translate.*0\.02 USDC.*by you/ }).waitFor(LISTED);
    await inEveryLook(page, 'calls-approved');
    expect((await parked.approval.resume()).status).toBe(200);
    await approved.waitFor({ state: 'detached', ...LISTED });

    await open(page, 'Calls');
    await page.locator(`main a[href*="${parked.approval.call}"]`).first().click(LISTED);
    await page.getByText('Approved by an operator').waitFor(LISTED);
    await page.getByText('Waits for a person at 0.02 USDC').waitFor();
    // The page first reads a waiting call as an accepted one, which returns 404.
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });
});

describe('the list of calls', () => {
  it('takes an agent by its name or address, and says below the field why a text names none', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    const chosen = (): string | null => new URL(page.url()).searchParams.get('account');
    await open(page, 'Calls');
    const field = page.getByRole('combobox', { name: 'Agent' });
    await field.focus();
    await page.locator('datalist option[value="Alice"]').waitFor({ state: 'attached', ...LISTED });
    await field.fill('nobody');
    await field.press('Enter');
    await page.getByText('No agent has this name').waitFor();
    await inEveryLook(page, 'calls-no-agent');
    await field.fill('alice');
    await field.press('Enter');
    await expect.poll(chosen).toBe(account);
    expect(await page.getByText('No agent has this name').count()).toBe(0);
    expect(await field.inputValue()).toBe('Alice');
    await field.fill('');
    await field.press('Enter');
    await expect.poll(chosen).toBe(null);
    // Typed in the frame that shows a choice.
    const kept = await field.evaluate(async (node) => {
      const input = node as unknown as EventTarget & { value: string };
      input.value = 'alice';
      input.dispatchEvent(new Event('input', { bubbles: true }));
      input.dispatchEvent(new Event('change', { bubbles: true }));
      await new Promise((shown) => setTimeout(shown));
      input.value = 'bo';
      input.dispatchEvent(new Event('input', { bubbles: true }));
      await new Promise((later) => setTimeout(later, 300));
      return input.value;
    });
    expect(kept).toBe('bo');
    await open(page, 'Spending');
    await page.getByRole('combobox', { name: 'Agent' }).fill(agent.address);
    await page.getByRole('combobox', { name: 'Agent' }).press('Enter');
    await expect.poll(chosen).toBe(account);
    expect(complaints).toEqual([]);
  });

  it('has an owner’s own calls, and a top-up adds nothing to their sum', async () => {
    const { page } = await signInWithWallet(local, owner);
    await open(page, 'Calls');
    const row = page.getByRole('row', {
      name: /top-up.* 0 USDC.*top-up of 1\.00/,
    });
    await row.waitFor(LISTED);
    const today = new Date().toISOString().slice(0, 10);
    const own = `eip155:84532:${owner.address.toLowerCase()}`;
    await page.goto(
      `${local.stack.gateway.url}/dashboard/calls?account=${own}&from=${today}&to=${today}`,
    );
    await page.getByText('1 call, a top-up: 0 charged, equal to the total').waitFor(LISTED);
    await read(page);
    await inEveryLook(page, 'calls-own');
  });
});
