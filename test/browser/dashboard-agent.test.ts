import type { Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { shortened } from '../../src/dashboard/format/text.ts';
import { people, person } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { createManagement } from '../../src/client/management.ts';
import { fill, makeAgent, press, tab } from './agent-steps.ts';
import { useBrowserStack } from './browser-stack.ts';
import { open, read, signInAs } from './dashboard-page.ts';
import { CHART_FOLLOWS } from './in-page.ts';
import { inEveryLook } from './looks.ts';
import { signInWithWallet } from './wallet-session.ts';

const local = useBrowserStack();
const alice = person('dashboard alice');
const bob = person('dashboard bob');

const LONG = { timeout: 30_000 };

const accountOf = ({ address }: { readonly address: string }): `eip155:${number}:0x${string}` =>
  `eip155:${local.stack.description.chainId}:${address.toLowerCase() as `0x${string}`}`;

const managementOf = () =>
  createManagement({
    gateway: local.stack.gateway.url,
    account: privateKeyToAccount(people.owner.privateKey),
  });

/** What a wallet throws when its user declines (EIP-1193). */
const DECLINED = { code: 4001, message: 'declined' };

/** Opens the owner's own budget as the owner, with a wallet. After `decline` the wallet refuses signatures. */
const ownBudget = async (): Promise<{ readonly page: Page; readonly decline: () => void }> => {
  let isDeclining = false;
  const { page } = await signInWithWallet(local, people.owner, {
    refuses: (method) => (isDeclining && method === 'eth_signTypedData_v4' ? DECLINED : undefined),
  });
  await page.goto(
    `${local.stack.gateway.url}/dashboard/agents/${accountOf(people.owner)}?tab=budget`,
  );
  await page.getByLabel('Per day (USDC)').waitFor();
  return {
    page,
    decline: () => {
      isDeclining = true;
    },
  };
};

/** Gives the owner credit and an agent that spends it, and makes a call as the agent. */
beforeAll(async () => {
  const { url } = local.stack.gateway;
  const spend = { perCall: '$2', total: '$2' } as const;
  const owner = privateKeyToAccount(people.owner.privateKey);
  await createAgent({ account: owner, spend }).topUp(url, '$1');
  const { page } = await signInAs(local, 'owner');
  const authority = await makeAgent(page, alice, '5');
  const account = privateKeyToAccount(alice.privateKey);
  const agent = createAgent({ account, authority, spend: { ...spend, onlyCredit: true } });
  const answer = await agent.fetch(`${url}/tools/lookup?word=river`);
  await answer.text();
  if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
});

describe('the calls of a fleet', () => {
  it('are on the overview and under calls of the owner, with the name of each agent', async () => {
    const { page, complaints } = await signInAs(local, 'owner');
    const calls = page.getByRole('table', { name: 'Calls' });
    const row = calls.getByRole('row', { name: /lookup/ });
    await row.getByText(shortened(alice.address.toLowerCase())).waitFor(LONG);
    await page.getByRole('link', { name: 'More calls' }).click();
    await row.getByText(shortened(alice.address.toLowerCase())).waitFor(LONG);
    // A header row, the owner's top-up, and its agent's call.
    expect(await calls.getByRole('row').count()).toBe(3);
    await inEveryLook(page, 'calls-of-fleet');
    await page.getByRole('searchbox', { name: 'Tool' }).fill('lookup');
    await page.getByRole('searchbox', { name: 'Tool' }).press('Enter');
    await expect.poll(() => calls.getByRole('row').count()).toBe(2);
    const today = new Date().toISOString().slice(0, 10);
    await page.goto(`${local.stack.gateway.url}/dashboard/calls?from=${today}&to=${today}`);
    await page.getByText('Choose an agent to see its calls of these days').waitFor(LONG);
    await inEveryLook(page, 'calls-of-days');
    const agents = page.getByRole('table', { name: 'Spending by account' });
    await agents.getByRole('link', { name: shortened(alice.address.toLowerCase()) }).click();
    await page.getByText('1 call: 0.001 USDC charged, equal to the total').waitFor(LONG);
    expect(complaints).toEqual([]);
  });
});

describe('the page of an agent', () => {
  it('says which limit stays in force above a budget, and whose credit pays', async () => {
    const { page } = await signInAs(local, 'owner');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=budget`);
    await page.getByText('Also limited to $5.00 by its default grant').first().waitFor();
    await fill(page, 'In total (USDC)', '10');
    await page.getByText('Still limited to $5.00 by its default grant').waitFor();
    await press(page, 'Review the change');
    await page.getByText('In total stays limited to $5.00 by its default grant').waitFor();
    await press(page, 'Cancel');
    await press(page, 'Discard');
    await tab(page, 'Now');
    await page.getByText('Credit of').waitFor();
  });

  it('shows the grant of an agent that has not used it, with what it needs, and revokes it', async () => {
    const { page, complaints } = await signInAs(local, 'owner');
    const hash = await makeAgent(page, bob, '3');
    await open(page, 'Agents');
    const row = page.getByRole('row').filter({ hasText: 'offered' });
    await row.getByText('has not used its grant yet').waitFor();
    await row.getByRole('link').click();
    await page.getByText('Give this to the agent').waitFor();
    await page.getByText('3.00 USDC in total').waitFor();
    expect(await page.locator('.copy-command code').first().textContent()).toContain(hash);
    await inEveryLook(page, 'agent-offered');
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await press(page, 'Revoke with the wallet');
    await page.getByText('The grant is revoked').waitFor();
    await page.getByText('Give this to the agent').waitFor({ state: 'detached' });
    // The button that opened the dialog no longer exists, so the focus must move elsewhere.
    await expect.poll(() => page.evaluate(`document.activeElement?.tagName`)).toBe('H1');
    await open(page, 'Audit');
    await page.getByLabel('Log to verify').waitFor();
    expect(complaints.filter((text) => !text.startsWith('Failed to load'))).toEqual([]);
  }, 90_000);

  it('keeps the chosen status when another session sets it meanwhile', async () => {
    const { page } = await signInAs(local, 'owner');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}`);
    const setStatus = async (status: 'active' | 'paused') =>
      await managementOf().call('account.status', {
        params: { account: accountOf(alice) },
        body: { status },
      });
    await page.getByRole('button', { name: /^Status/ }).click();
    await page.getByRole('radio', { name: /^Pause/ }).check();
    await setStatus('paused');
    await page.locator('.facts').getByText('paused', { exact: true }).waitFor(LONG);
    const verbs = await page.getByRole('dialog').getByRole('button').allInnerTexts();
    await page.keyboard.press('Escape');
    await setStatus('active');
    expect(verbs).toContain('Pause with the wallet');
  });

  it('carries what a person typed for one grant or agent to no other one', async () => {
    const { page } = await signInAs(local, 'owner');
    const toPage = async (agent: { readonly address: string }, part: string) => {
      const address = `/dashboard/agents/${accountOf(agent)}?tab=${part}`;
      await page.evaluate(`history.pushState({}, '', ${JSON.stringify(address)})`);
    };
    const name = page.getByLabel('Name', { exact: true });
    await open(page, 'Agents');
    await toPage(people.owner, 'keys');
    await name.waitFor();
    await toPage(alice, 'keys');
    await page.getByText(shortened(alice.address)).first().waitFor();
    await name.fill('the first');
    await toPage(people.owner, 'keys');
    await expect.poll(() => name.inputValue()).toBe('');
    await toPage(alice, 'grants');
    await press(page, 'Replace');
    await fill(page, 'In total (USDC)', '7');
    await press(page, 'Close');
    await press(page, 'Grant another budget');
    expect(await page.getByLabel('In total (USDC)').inputValue()).toBe('');
  });

  it('starts the first policy of an operator from the default policy, and saves nothing before the account has answered', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=budget`);
    await page.getByText('These are the values of the default policy').waitFor();
    expect(await page.getByLabel('Per call (USDC)').inputValue()).toBe('5.00');
    await fill(page, 'Per call (USDC)', '');
    let answer = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    await page.route('**/policy', async (route) => {
      await held;
      await route.continue();
    });
    await press(page, 'Review the change');
    await page.getByText('The default policy no longer applies to this agent.').waitFor();
    const review = (await page.locator('.review').innerText()).replace(/\s+/g, ' ');
    expect(review).toContain('per call 5.00 USDC → becomes no limit');
    expect(review).not.toContain('not settled yet');
    const save = page.getByRole('button', { name: 'Save with the wallet' });
    expect(await save.isEnabled()).toBe(false);
    answer();
    await expect.poll(() => save.isEnabled()).toBe(true);
    await inEveryLook(page, 'agent-operator-review');
    await press(page, 'Cancel');
  });

  it('keeps what was typed when the wallet declines, and on another page', async () => {
    const { page, decline } = await ownBudget();
    decline();
    await fill(page, 'Per day (USDC)', '0.75');
    await press(page, 'Review the change');
    await press(page, 'Save with the wallet');
    await page
      .getByText('You declined in the wallet. The gateway did not receive this change.')
      .waitFor();
    await press(page, 'Cancel');
    await open(page, 'Calls');
    await page.goBack();
    await expect.poll(() => page.getByLabel('Per day (USDC)').inputValue()).toBe('0.75');
  });

  it('shows both versions when somebody else has saved meanwhile, and saves over theirs only then', async () => {
    const { page } = await ownBudget();
    await fill(page, 'Per day (USDC)', '3');
    await press(page, 'Review the change');
    await page.getByText('No calls are running.').waitFor();
    await managementOf().call('account.policy.put', {
      params: { account: accountOf(people.owner) },
      body: { perCall: '$0.50' },
      ifNoneMatch: '*',
    });
    await press(page, 'Save with the wallet');
    await page.getByText('Your version was not saved').waitFor();
    const review = page.locator('.review');
    const text = (await review.innerText()).replace(/\s+/g, ' ');
    expect(text).toContain('Their change per call no limit → becomes 0.50 USDC');
    expect(text).toContain('instead of theirs per day no limit → becomes 3.00 USDC');
    expect(text).toContain('per call 0.50 USDC → becomes no limit');
    await press(page, 'Replace it with the wallet');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    const { body } = await managementOf().call('account.policy.get', {
      params: { account: accountOf(people.owner) },
    });
    expect(body).toEqual({ windows: [{ every: 'day', limit: '$3.00' }] });
  });

  it('removes no policy that another session saved while the dialog was open', async () => {
    const { page } = await signInAs(local, 'owner');
    const params = { account: accountOf(alice) };
    const body = { perCall: '$0.50' };
    await managementOf().call('account.policy.put', { params, body, ifNoneMatch: '*' });
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=budget`);
    await press(page, 'Remove this policy');
    const newer = { perCall: '$0.25' };
    await managementOf().call('account.policy.put', { params, body: newer, ifMatch: '*' });
    await expect.poll(() => page.getByLabel('Per call (USDC)').inputValue(), LONG).toBe('0.25');
    await press(page, 'Remove with the wallet');
    await page.getByRole('dialog').locator('.notice').waitFor();
    const kept = await managementOf().call('account.policy.get', { params });
    expect(kept.body).toMatchObject(newer);
    await managementOf().call('account.policy.delete', { params, ifMatch: kept.etag ?? '*' });
  });

  it('draws its chart anew when the colour scheme changes', async () => {
    const { page } = await signInAs(local, 'owner');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=history`);
    await page.locator('.chart canvas').waitFor(LONG);
    for (const colorScheme of ['light', 'dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme });
      await expect.poll(() => page.evaluate(CHART_FOLLOWS), LONG).toBe(true);
    }
  });

  it('names what is missing when a form is sent, and moves the focus there', async () => {
    const { page } = await signInAs(local, 'owner');
    const focused = (): Promise<string> =>
      page.evaluate(`document.activeElement.labels?.[0]?.innerText ?? ''`);
    await open(page, 'Agents');
    await page.getByRole('link', { name: 'Make an agent' }).first().click();
    await page.getByLabel('In total (USDC)').waitFor();
    await page.getByText('must be an address').waitFor({ state: 'detached' });
    await press(page, 'Review the grant');
    expect(await focused()).toBe('Address of the agent');
    await page.getByText('must be an address').waitFor();
    await page.getByText('is missing: set a total').waitFor();
    await fill(page, 'Address of the agent', bob.address);
    await press(page, 'Review the grant');
    expect(await focused()).toBe('In total (USDC)');
    await inEveryLook(page, 'new-agent-incomplete');

    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=budget`);
    await press(page, 'Review the change');
    await page.getByText('There is nothing to review').waitFor();
    await fill(page, 'Per day (USDC)', 'much');
    await page.getByText('There is nothing to review').waitFor({ state: 'detached' });
    await press(page, 'Review the change');
    expect(await focused()).toBe('Per day (USDC)');
    await press(page, 'Discard');
    await tab(page, 'Name and key');
    await press(page, 'Save the name');
    expect(await focused()).toBe('Name');
    await page.getByText('Enter another one').waitFor();
    expect(await page.getByRole('dialog').count()).toBe(0);
  });

  it('has no fault that axe finds, in any width and scheme', async () => {
    const { page, complaints } = await signInAs(local, 'owner');
    const look = async (name: string): Promise<void> => {
      await read(page);
      await inEveryLook(page, name);
    };
    await open(page, 'Agents');
    await look('fleet');
    const status = page.getByRole('button', { name: /^Status/ }).first();
    await status.click();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.evaluate(`document.activeElement.innerText`)).toMatch(/^Status/);
    await status.click();
    await look('agent-status');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Make an agent' }).first().click();
    await fill(page, 'Address of the agent', '0x12');
    await look('new-agent');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}`);
    for (const name of ['Now', 'Budget', 'Grants', 'History', 'Name and key']) {
      await tab(page, name);
      await look(`agent-${name.toLowerCase().replaceAll(' ', '-')}`);
    }
    await tab(page, 'Budget');
    await fill(page, 'Per day (USDC)', '0.001');
    await press(page, 'Review the change');
    await page.getByText('Past calls').waitFor();
    await look('agent-review');
    expect(complaints).toEqual([]);
  });

  it('shows an agent without a valid grant as one that may not spend, and what the grant allowed', async () => {
    const { page } = await signInAs(local, 'owner');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(alice)}?tab=grants`);
    const held = page.getByRole('table', { name: 'Grants it holds' });
    await held.getByRole('button', { name: 'Revoke' }).click();
    await press(page, 'Revoke with the wallet');
    await page.getByText('The grant is revoked').waitFor();
    await page.getByText('no valid grant', { exact: true }).waitFor(LONG);
    expect(await held.innerText()).toContain('5.00 USDC in total');
    await open(page, 'Agents');
    await page.getByText('may not spend').first().waitFor();
  });
});
