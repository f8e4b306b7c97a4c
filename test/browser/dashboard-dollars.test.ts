import type { Page } from 'playwright-core';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { createManagement } from '../../src/client/management.ts';
import { fill, press, saveBudget, tab } from './agent-steps.ts';
import { useBrowserStack } from './browser-stack.ts';
import { open, signInAs } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';

const local = useBrowserStack(() => ({ cards: true }));
const agentKey = privateKeyToAccount(generatePrivateKey());
const owner = `eip155:84532:${people.owner.address.toLowerCase()}`;
const agent = `eip155:84532:${agentKey.address.toLowerCase()}`;

const show = async (page: Page, account: string): Promise<void> => {
  await page.goto(`${local.stack.gateway.url}/dashboard/agents/${account}`);
  await page.getByText('Money and limits').waitFor();
};

/** The agent buys a pen for $3.50 with the operator's card. */
const buyPen = async (authority: `0x${string}`) => {
  const buyer = createAgent({
    account: agentKey,
    authority,
    spend: { perCall: '$0', total: '$0', card: { perCall: '$5', total: '$20' } },
  });
  const answer = await buyer.fetch(`${local.stack.gateway.url}/tools/stationer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ item: 'pen' }),
  });
  await answer.text();
  return { status: answer.status, paid: answer.countersign.paid };
};

describe('dollars on the card of the operator', () => {
  it('are granted by an owner, opened and limited by an operator, and never mixed with USDC', async () => {
    const client = createAgent({
      account: privateKeyToAccount(people.owner.privateKey),
      spend: { perCall: '$2', total: '$2' },
    });
    await client.topUp(local.stack.gateway.url, '$1');

    const { page } = await signInAs(local, 'owner');
    await open(page, 'Agents');
    await page.getByRole('link', { name: 'Make an agent' }).first().click();
    await fill(page, 'Address of the agent', agentKey.address);
    await page.getByLabel('Money', { exact: true }).selectOption('Dollars on the operator’s card');
    await fill(page, 'In total (USD)', '20');
    await press(page, 'Review the grant');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('20.00 USD (20000000 units)').first().waitFor();
    expect(await dialog.innerText()).not.toContain('USDC');
    await inEveryLook(page, 'grant-in-dollars');
    await press(page, 'Sign with the wallet');
    await page.getByText('Give this to the agent').waitFor();
    const text = (await page.locator('.copy-command code').allInnerTexts()).join();
    expect(text).toContain("card: { perCall: '$20.00', total: '$20.00' }");
    const [grant] = /0x[0-9a-f]{64}/.exec(text) ?? [];
    const authority = grant as `0x${string}`;
    // The operator has set no policy that allows dollars yet.
    expect((await buyPen(authority)).status).toBe(403);

    const { page: desk } = await signInAs(local, 'operator');
    await show(desk, owner);
    await tab(desk, 'Budget');
    await desk.getByLabel('Calls that charge the card').selectOption('allowed');
    await fill(desk, 'Per day (USD)', '5');
    await inEveryLook(desk, 'budget-in-dollars');
    await saveBudget(desk);
    const operator = createManagement({
      gateway: local.stack.gateway.url,
      account: privateKeyToAccount(people.operator.privateKey),
    });
    const { body } = await operator.call('accounts.policy.get', { params: { account: owner } });
    expect(body).toMatchObject({
      assets: [`eip155:84532/erc20:${local.stack.chain.usdc.toLowerCase()}`, 'iso4217:USD'],
      windows: [{ every: 'day', limit: '$5.00', asset: 'iso4217:USD' }],
    });

    expect(await buyPen(authority)).toEqual({ status: 200, paid: 'card' });
    // A second pen would exceed $5 a day, so the gateway answers 429 until the next day.
    expect((await buyPen(authority)).status).toBe(429);

    await show(page, agent);
    await tab(page, 'Grants');
    const held = page.getByRole('table', { name: 'Grants it holds' });
    expect(await held.innerText()).toContain('20.00 USD');
    expect(await held.innerText()).not.toContain('USDC');
    await held.getByRole('button', { name: 'Replace' }).click();
    expect(await page.getByLabel('Money', { exact: true }).inputValue()).toBe('iso4217:USD');
    expect(await page.getByLabel('In total (USD)').inputValue()).toBe('20.00');
  });
});
