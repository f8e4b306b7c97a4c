import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { expect, it, onTestFinished } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { people, type Person, person } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { ApprovalRequired } from '../../src/client/pending-approval.ts';
import { fill, makeAgent, press, saveBudget, tab } from './agent-steps.ts';
import { useSharedStack } from './browser-stack.ts';
import { open } from './dashboard-page.ts';
import { signInWithWallet } from './wallet-session.ts';

const local = useSharedStack();

/** The gateway signs a checkpoint some seconds after an answer, and lists lag behind the log by seconds. */
const EVENTUALLY = { timeout: 60_000 };
const owner = person('first run owner');
const alice = person('first run alice');
const TRANSLATE = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ text: 'hello', to: 'fr' }),
};

const accountOf = ({ address }: Person): string =>
  `eip155:${local.stack.description.chainId}:${address.toLowerCase()}`;

const sees = async (page: Page, text: string | RegExp): Promise<void> =>
  await page.getByText(text).first().waitFor(EVENTUALLY);

/** The daily limit as the page shows it, in one line. */
const dayLimit = async (page: Page): Promise<string> =>
  (await page.locator('.budget', { hasText: 'per day, by its owner' }).first().innerText()).replace(
    /\s+/g,
    ' ',
  );

/** Opens the live decisions of an agent, and waits until the page is connected to the feed. */
const follow = async (page: Page): Promise<void> => {
  const listens = page.waitForResponse((answer) => answer.url().includes('/events'), EVENTUALLY);
  await tab(page, 'Now');
  await listens;
};

/** Saves the entries of an account to a file. */
const exportEntries = async (page: Page, account: string, path: string): Promise<void> => {
  await page.getByLabel('Log to export').selectOption(account);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    press(page, 'Entries as NDJSON'),
  ]);
  await download.saveAs(path);
};

/** Runs `countersign audit verify`, as an auditor does. */
const audit = async (file: string): Promise<string> => {
  const words = [join(ROOT, 'src/cli/index.ts'), 'audit', 'verify', file];
  // Without the transparency log a single chain ends with code 4, because nothing proves where it ends.
  const running = promisify(execFile)(process.execPath, words);
  const { code, stdout } = (await running.catch((cause: unknown) => cause)) as {
    readonly code?: number;
    readonly stdout: string;
  };
  return `exit ${code ?? 0}\n${stdout}`;
};

it('leads a newcomer from the first agent to a verified log, each step signed by a wallet', async () => {
  const { url } = local.stack.gateway;
  for (const { address } of [owner, alice]) await local.stack.chain.fund(address, 1_000_000n);
  const { page, wallet } = await signInWithWallet(local, owner);

  // The owner creates an agent, whose first call accepts the grant.
  const authority = await makeAgent(page, alice, '5');
  await sees(page, 'It takes effect with the first call that names it');
  const { fetch } = createAgent({
    account: privateKeyToAccount(alice.privateKey),
    authority,
    spend: { perCall: '$0.10', total: '$1' },
  });
  const lookUp = async (word: string) => {
    const answer = await fetch(`${url}/tools/lookup?word=${word}`);
    await answer.text();
    const { call = '' } = answer.countersign;
    return { status: answer.status, call, receipt: answer.headers.get('agent-receipt') ?? '' };
  };
  expect((await lookUp('river')).status).toBe(200);
  // The command on the page calls a tool that exists, and the page shows the next step too.
  await sees(page, `npx countersign call ${url}/tools/`);
  await page.getByRole('link', { name: 'Open the page of the agent' }).click();
  // The feed shows each decision from before the page was opened once.
  await page.locator('.feed li', { hasText: 'lookup 0.001' }).first().waitFor(EVENTUALLY);
  expect(await page.locator('.feed li', { hasText: 'Call accepted' }).count()).toBe(1);

  // The owner sets a budget and sees the next call in the feed.
  await tab(page, 'Budget');
  await fill(page, 'Per day (USDC)', '0.0015');
  await saveBudget(page);
  await follow(page);
  expect((await lookUp('bank')).status).toBe(200);
  await page.locator('.feed li', { hasText: 'Call accepted' }).nth(1).waitFor(EVENTUALLY);
  expect(await page.locator('.feed li', { hasText: 'Call accepted' }).count()).toBe(2);

  // The budget denies the next call. The page shows the rule, the amount spent, the amount remaining and the time of the reset.
  expect((await lookUp('edge')).status).toBe(429);
  await page
    .locator('.feed .why', { hasText: 'per day, by its owner; 0.0005 of 0.0015 USDC left' })
    .waitFor(EVENTUALLY);
  await page.reload();
  await sees(page, 'Money and limits');
  await expect
    .poll(async () => await dayLimit(page), EVENTUALLY)
    .toMatch(
      /^Per day, by its owner 0\.001 of 0\.0015 USDC spent \(66 %\), 0\.0005 left, resets \S/,
    );

  // With a higher budget the gateway accepts the call.
  await tab(page, 'Budget');
  await fill(page, 'Per day (USDC)', '1');
  await saveBudget(page);
  const followedCall = await lookUp('edge');
  expect(followedCall.status).toBe(200);

  // An expensive call waits for the owner's approval.
  await tab(page, 'Now');
  await tab(page, 'Budget');
  await fill(page, 'Needs approval above (USDC)', '0.015');
  await saveBudget(page);
  const parked = await fetch(`${url}/tools/translate`, TRANSLATE).catch(
    (thrown: unknown) => thrown,
  );
  if (!(parked instanceof ApprovalRequired)) throw new Error(`not parked: ${String(parked)}`);
  await tab(page, 'Now');
  const waiting = page.getByRole('table', { name: 'Calls waiting for approval' });
  await waiting.getByRole('row', { name: /translate.*0\.02/ }).waitFor(EVENTUALLY);
  await press(page, 'Approve');
  await waiting.waitFor({ state: 'detached', ...EVENTUALLY });
  expect((await parked.approval.resume()).status).toBe(200);

  // The owner revokes the grant, and the next call is denied.
  await tab(page, 'Grants');
  await page.getByRole('table', { name: 'Grants it holds' }).getByText('Revoke').click();
  await press(page, 'Revoke with the wallet');
  await sees(page, 'The grant is revoked');
  await follow(page);
  expect((await lookUp('river')).status).toBe(403);
  await page.locator('.feed .why', { hasText: 'revoked' }).first().waitFor(EVENTUALLY);
  expect(wallet.signed).toContain('AgentDelegation');

  // The operator follows the payment until it has settled, and refunds the call.
  const { page: desk } = await signInWithWallet(local, people.operator);
  await open(desk, 'Calls');
  await desk.locator(`main a[href*="${followedCall.call}"]`).first().click(EVENTUALLY);
  await sees(desk, /Accepted for 0\.001 USDC/);
  await sees(desk, /Payment settled in 0x/);
  await press(desk, 'Refund');
  await fill(desk, 'Reason (required)', 'a wrong answer');
  await desk.getByRole('dialog').getByRole('button', { name: 'Refund with the wallet' }).click();
  await sees(desk, 'refunded 0.001 USDC as credit: a wrong answer');

  // The browser verifies the call's receipt and the agent's log.
  await fill(desk, 'Receipt', followedCall.receipt);
  await press(desk, 'Verify the receipt');
  await sees(desk, 'Tool, request, status, answer and charge match the log.');
  await open(desk, 'Audit');
  await desk.getByLabel('Log to verify').selectOption(accountOf(alice));
  await press(desk, 'Verify in this browser');
  await desk.getByRole('row', { name: /Agents and people signed.*proved/ }).waitFor(EVENTUALLY);
  expect(await desk.getByText('broken', { exact: true }).count()).toBe(0);

  // The exported file verifies without the gateway, and an altered one does not.
  const folder = mkdtempSync(join(tmpdir(), 'countersign-export-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const exported = join(folder, 'alice.ndjson');
  await exportEntries(desk, accountOf(alice), exported);
  expect(await audit(exported)).toMatch(
    /^exit 4\n[^]*OPEN: nothing in \d+ entries of 1 account is broken/,
  );
  const altered = join(folder, 'altered.ndjson');
  writeFileSync(
    altered,
    readFileSync(exported, 'utf8').replace('"price":"1000"', '"price":"2000"'),
  );
  expect(await audit(altered)).toMatch(/^exit 1\n[^]*BROKEN/);
}, 300_000);
