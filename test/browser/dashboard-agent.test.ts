import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { people, person } from '../../dev/stack/people.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { type Agent, createAgent } from '../../src/client/agent.ts';
import { createManagement } from '../../src/client/management.ts';
import { ApprovalRequired } from '../../src/client/pending-approval.ts';
import { startBrowser } from './browser.ts';
import { axe, LOOKS, open, picture, read, signInAs } from './dashboard-page.ts';
import { SCROLL_WIDTH } from './in-page.ts';
import { addSigningWallet } from './signing-wallet.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
const alice = person('dashboard alice');
let stack: Stack;
let browser: Browser;

const spend = { perCall: '$0.10', total: '$1' } as const;
const LONG = { timeout: 30_000 };
const TRANSLATE = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text: 'hello', to: 'fr' }),
};

const accountOf = ({ address }: { readonly address: string }): `eip155:${number}:0x${string}` =>
  `eip155:${stack.description.chainId}:${address.toLowerCase() as `0x${string}`}`;

const managementOf = () =>
  createManagement({
    gateway: stack.gateway.url,
    account: privateKeyToAccount(people.owner.privateKey),
  });

/** What a wallet throws when its person declines (EIP-1193). */
const DECLINED = { code: 4001, message: 'declined' };

/** The budget of the owner itself, seen by the owner through a wallet. `decline` makes it refuse signatures from then on. */
const ownBudget = async (): Promise<{ readonly page: Page; readonly decline: () => void }> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  let isDeclining = false;
  await addSigningWallet(context, people.owner.privateKey, stack.chain.rpc, {
    refuses: (method) => (isDeclining && method === 'eth_signTypedData_v4' ? DECLINED : undefined),
  });
  const page = await context.newPage();
  await page.goto(`${stack.gateway.url}/dashboard`, { waitUntil: 'networkidle' });
  await press(page, 'Test Wallet');
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
  await page.goto(`${stack.gateway.url}/dashboard/agents/${accountOf(people.owner)}?tab=budget`);
  await page.getByLabel('Per day (USDC)').waitFor();
  return {
    page,
    decline: () => {
      isDeclining = true;
    },
  };
};

/** An agent without money of its own: the credit of its owner pays. */
const agentWith = (authority: `0x${string}`): Agent =>
  createAgent({
    account: privateKeyToAccount(alice.privateKey),
    authority,
    spend: { ...spend, onlyCredit: true },
  });

const call = async (agent: Agent, path: string): Promise<number> => {
  const answer = await agent.fetch(stack.gateway.url + path);
  await answer.text();
  return answer.status;
};

/** Types into a field by its label. */
const fill = async (page: Page, label: string, text: string): Promise<void> =>
  await page.getByLabel(label, { exact: true }).fill(text);

const press = async (page: Page, name: string): Promise<void> =>
  await page.getByRole('button', { name, exact: true }).click();

const tab = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('link', { name, exact: true }).click();
  await read(page);
};

/** Reviews the budget, and signs it. */
const saveBudget = async (page: Page): Promise<void> => {
  await press(page, 'Review the change');
  await page.getByText('Past calls').waitFor();
  await press(page, 'Save with the wallet');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};

/** Makes an agent as a person does. @returns the hash of its grant, which the page names for the agent */
const makeAgent = async (page: Page, total: string): Promise<`0x${string}`> => {
  await open(page, 'Agents');
  await page.getByRole('link', { name: 'Make an agent' }).first().click();
  await page.getByRole('heading', { level: 1, name: 'New agent' }).waitFor();
  await fill(page, 'Address of the agent', alice.address);
  await fill(page, 'In total (USDC)', total);
  await press(page, 'Review the grant');
  await press(page, 'Sign with the wallet');
  await page.getByText('Give this to the agent').waitFor();
  const text = await page.locator('.command code').first().textContent();
  return (/0x[0-9a-f]{64}/.exec(text ?? '')?.[0] ?? '0x') as `0x${string}`;
};

beforeAll(async () => {
  stack = await startStack({ persistTo: directory, file: join(directory, 'stack.json') });
  browser = await startBrowser();
  const owner = createAgent({
    account: privateKeyToAccount(people.owner.privateKey),
    spend: { perCall: '$2', total: '$2' },
  });
  await owner.topUp(stack.gateway.url, '$1');
});

afterEach(async () => {
  await Promise.all(browser.contexts().map(async (context) => await context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

describe('the page of an agent', () => {
  it('lets an owner make an agent, limit it, read why a call was denied, raise it, approve a call, and revoke it', async () => {
    const { page, complaints } = await signInAs(browser, stack.gateway.url, 'owner');
    const agent = agentWith(await makeAgent(page, '5'));
    expect(await call(agent, '/tools/lookup?word=river')).toBe(200);

    const opened = page.waitForResponse((answer) => answer.url().includes('/events'), LONG);
    await page.goto(`${stack.gateway.url}/dashboard/agents/${accountOf(alice)}`);
    await opened;
    const at = Date.now();
    expect(await call(agent, '/tools/lookup?word=bank')).toBe(200);
    await page.locator('.feed li').first().waitFor(LONG);
    expect(Date.now() - at).toBeLessThan(2_000);

    await tab(page, 'Budget');
    await fill(page, 'Per day (USDC)', '0.0005');
    await saveBudget(page);
    expect(await call(agent, '/tools/lookup?word=edge')).toBe(403);
    await tab(page, 'Now');
    const why = page.locator('.feed .why').first();
    await why.waitFor(LONG);
    expect(await why.innerText()).toContain('per day, by its owner; 0.0005 of 0.0005 USDC left');

    await tab(page, 'Budget');
    await fill(page, 'Per day (USDC)', '1');
    await fill(page, 'Needs approval above (USDC)', '0.015');
    await saveBudget(page);
    expect(await call(agent, '/tools/lookup?word=edge')).toBe(200);
    const parked = await agent
      .fetch(`${stack.gateway.url}/tools/translate`, TRANSLATE)
      .catch((thrown: unknown) => thrown);
    if (!(parked instanceof ApprovalRequired)) throw new Error(`not parked: ${String(parked)}`);
    await tab(page, 'Now');
    await page.getByRole('button', { name: 'Approve' }).click();
    expect((await parked.approval.resume()).status).toBe(200);

    await tab(page, 'Grants');
    await page.getByRole('table', { name: 'Grants it holds' }).getByText('Revoke').click();
    await press(page, 'Revoke with the wallet');
    await page.getByText('The grant is revoked').waitFor();
    expect(await call(agent, '/tools/lookup?word=edge')).toBe(403);
    // The browser reports every refused request. One 403 is expected: it tells the page that the account is not an operator.
    expect(complaints.filter((text) => !text.startsWith('Failed to load'))).toEqual([]);
  }, 90_000);

  it('keeps what was typed when the wallet declines, and on another page', async () => {
    const { page, decline } = await ownBudget();
    decline();
    await fill(page, 'Per day (USDC)', '0.75');
    await press(page, 'Review the change');
    await press(page, 'Save with the wallet');
    await page.getByText('You declined in the wallet. Nothing was changed.').waitFor();
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

  it.each(LOOKS)('has no fault that axe finds: $colorScheme, $width px', async (look) => {
    const { page } = await signInAs(browser, stack.gateway.url, 'owner', look);
    const suffix = `${look.colorScheme}-${look.width}`;
    const check = async (name: string): Promise<void> => {
      await read(page);
      await picture(page, `${name}-${suffix}`);
      expect(await axe(page), name).toEqual([]);
      expect(await page.evaluate<number>(SCROLL_WIDTH), name).toBeLessThanOrEqual(look.width);
    };
    await open(page, 'Agents');
    await check('fleet');
    await page
      .getByRole('button', { name: /^Change/ })
      .first()
      .click();
    await check('agent-status');
    await page.keyboard.press('Escape');
    await page.getByRole('link', { name: 'Make an agent' }).first().click();
    await fill(page, 'Address of the agent', '0x12');
    await check('new-agent');
    await page.goto(`${stack.gateway.url}/dashboard/agents/${accountOf(alice)}`);
    for (const name of ['Now', 'Budget', 'Grants', 'History', 'Name and key']) {
      await tab(page, name);
      await check(`agent-${name.toLowerCase().replaceAll(' ', '-')}`);
    }
    await tab(page, 'Budget');
    await fill(page, 'Per day (USDC)', '0.001');
    await press(page, 'Review the change');
    await page.getByText('Past calls').waitFor();
    await check('agent-review');
  });
});
