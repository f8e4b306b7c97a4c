import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Person, person } from '../../dev/stack/people.ts';
import { openOperator } from '../../dev/stack/sell-tools.ts';
import { createAgent } from '../../src/client/agent.ts';
import { pass } from '../chaos/storm/clock-entry.ts';
import { fill, press } from './agent-steps.ts';
import { useBrowserStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { appears, open, read, signInAs } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';

let isDown = false;

const local = useBrowserStack(() => ({
  entry: join(import.meta.dirname, 'faulty-gateway.ts'),
  wrapFacilitator: (real) => (request) =>
    isDown ? new Response(null, { status: 503 }) : real(request),
}));

const EVENTUALLY = { timeout: 60_000 };
/** The row of an attempt at a facilitator that is down and answers without a body. */
const NOT_READABLE = /^\d.*127\.0\.0\.1.*the answer of the backend was not readable/;
/** Longer than any authorization is valid. */
const TWO_HOURS = 7_200;

const accountOf = ({ address }: Person) =>
  `eip155:84532:${address.toLowerCase() as Person['address']}` as const;

const agentOf = ({ privateKey }: Person) =>
  createAgent({
    account: privateKeyToAccount(privateKey),
    spend: { perCall: '$0.01', total: '$1' },
  });

/** Buys as a payer with a settled payment, so that the gateway answers before the money moves. @returns the path of the call's page */
const buyLater = async (name: string): Promise<{ readonly who: Person; readonly path: string }> => {
  const who = person(name);
  await local.stack.chain.fund(who.address, 100_000n);
  isDown = false;
  await buy(local.stack, who);
  isDown = true;
  const answer = await agentOf(who).fetch(`${local.stack.gateway.url}/tools/lookup?word=bank`);
  await answer.text();
  if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
  return { who, path: `/dashboard/calls/${accountOf(who)}/${answer.countersign.call}` };
};

const sees = async (page: Page, text: string | RegExp): Promise<void> =>
  await page.getByText(text).first().waitFor(EVENTUALLY);

/** Opens the page of a call, and waits until the page offers an action. */
const openCall = async (page: Page, path: string, act: string): Promise<void> => {
  await page.goto(local.stack.gateway.url + path);
  // Compare with the page's text, because it shows the reason when the action is missing.
  await expect.poll(() => page.getByRole('main').innerText(), EVENTUALLY).toContain(act);
};

/**
 * Waits until the page no longer offers an action. The page reads the log and the payment separately, so it may show the end of the payment
 * before it removes the action.
 */
const offersNoMore = async (page: Page, act: string): Promise<void> =>
  await page.getByRole('button', { name: act, exact: true }).waitFor({ state: 'detached' });

/** Opens the payments that a number on the page counts. */
const openPayments = async (page: Page, name: string): Promise<void> => {
  await open(page, 'Settlements');
  await page.getByRole('link', { name: new RegExp(`^\\d+ ${name}`) }).click();
  await read(page);
};

const letMessagesDie = async (mode: 'on' | 'off'): Promise<void> => {
  const answer = await fetch(`${local.stack.gateway.url}/_dead`, { method: 'POST', body: mode });
  if (!answer.ok) throw new Error(`The gateway answered ${answer.status}.`);
};

beforeAll(async () => {
  await openOperator(local.stack.gateway).call('tools.put', {
    params: { tool: 'bank' },
    body: {
      ...{ id: 'bank', method: 'GET', path: '/tools/bank', description: 'Pays a bill.' },
      ...{ price: '$0.001', settlement: 'upfront', onSilence: 'keep', timeoutSeconds: 1 },
      upstream: '/flaky',
    },
    ifNoneMatch: '*',
  });
  await vi.waitFor(async () => {
    const { status } = await fetch(`${local.stack.gateway.url}/tools/bank`);
    if (status !== 402) throw new Error(`The tool got ${status}.`);
  }, EVENTUALLY);
});

describe('a payment that no facilitator takes', () => {
  it('is presented again by an operator, and settles', async () => {
    const { path } = await buyLater('presented again');
    const { page } = await signInAs(local, 'operator');
    await openCall(page, path, 'Present again');
    const attempts = page.getByRole('table', { name: 'Attempts to settle this payment' });
    await attempts.getByRole('row', { name: NOT_READABLE }).first().waitFor(EVENTUALLY);
    await inEveryLook(page, 'call-attempts');
    await press(page, 'Present again');
    await sees(page, 'The payment can move money only once, so this is safe.');
    await press(page, 'Present again with the wallet');
    await sees(page, /presented the payment again/);
    isDown = false;
    await sees(page, /Payment settled in 0x/);
    await offersNoMore(page, 'Present again');
  });

  it('is sent again from its dead letter, and settles', async () => {
    await letMessagesDie('on');
    const { path } = await buyLater('dead letter');
    const { page } = await signInAs(local, 'operator');
    const letters = page.getByRole('table', { name: 'Messages that could not be processed' });
    await expect
      .poll(async () => {
        await open(page, 'Overview');
        await open(page, 'Settlements');
        return await appears(letters);
      }, EVENTUALLY)
      .toBe(true);
    await letMessagesDie('off');
    isDown = false;
    const row = letters.getByRole('row', { name: /retries exhausted/ });
    await inEveryLook(page, 'settlements-dead-letter');
    await row.getByRole('button', { name: 'Send again' }).click();
    await press(page, 'Send again with the wallet');
    // The row shows when the payment was sent again.
    await row.getByRole('cell', { name: /\d:\d\d/ }).waitFor();
    await openCall(page, path, 'Payment settled in 0x');
    await sees(page, 'A message about this payment could not be processed');
  });
});

describe('an alert that no webhook took', () => {
  const received: (string | string[] | undefined)[] = [];
  const receiver = createServer((request, response) => {
    received.push(request.headers['webhook-id']);
    response.end();
  });

  afterAll(() => receiver.close());

  it('is sent again from its dead letter, and delivered', async () => {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const operator = openOperator(local.stack.gateway);
    await operator.call('webhooks.put', {
      params: { webhook: 'pager' },
      body: { url: `http://127.0.0.1:${port}/alerts`, events: ['breaker'] },
      ifNoneMatch: '*',
    });
    const id = `msg_0x${'a1'.repeat(32)}`;
    const account = accountOf(person('alerted'));
    await fetch(`${local.stack.gateway.url}/_dead_event`, {
      method: 'POST',
      body: JSON.stringify({
        ...{ v: 1, scope: '*', webhook: 'pager' },
        event: { id, type: 'alert.raised', body: '{}', rule: 'breaker', account, seq: 1 },
      }),
    });
    const { page } = await signInAs(local, 'operator');
    const row = page.getByRole('row', { name: /webhooks/ });
    await expect
      .poll(async () => {
        await open(page, 'Overview');
        await open(page, 'Settlements');
        return await appears(row);
      }, EVENTUALLY)
      .toBe(true);
    await row.getByRole('button', { name: 'Send again' }).click();
    expect(received).toEqual([]);
    await press(page, 'Send again with the wallet');
    await row.getByRole('cell', { name: /\d:\d\d/ }).waitFor();
    await expect.poll(() => received, EVENTUALLY).toEqual([id]);
  });
});

describe('an amount that is kept for a silent tool', () => {
  it.each([
    ['Charge', 'The tool did its work', /Resolved by 0x\S+: charged, charged 0\.001 USDC/],
    ['Release', 'The tool did not do its work', /Resolved by 0x\S+: released, charged 0\.00 USDC/],
  ])('is ended by "%s"', async (verb, effect, outcome) => {
    const who = person(`kept ${verb}`);
    await local.stack.chain.fund(who.address, 100_000n);
    await agentOf(who)
      .fetch(`${local.stack.gateway.url}/tools/bank?hang=1`)
      .catch(() => undefined);
    const { page } = await signInAs(local, 'operator');
    const listed = page.getByRole('table', { name: 'Payments that are awaiting your decision' });
    await expect
      .poll(async () => {
        await open(page, 'Overview');
        await openPayments(page, 'awaiting your decision');
        return await appears(listed.getByRole('link', { name: 'bank' }));
      }, EVENTUALLY)
      .toBe(true);
    await listed.getByRole('link', { name: 'bank' }).click();
    await press(page, verb);
    await sees(page, effect);
    await press(page, `${verb} with the wallet`);
    await sees(page, 'Enter a reason.');
    await fill(page, 'Reason', 'asked the bank');
    await inEveryLook(page, `kept-${verb.toLowerCase()}`);
    await press(page, `${verb} with the wallet`);
    await sees(page, outcome);
    await offersNoMore(page, verb);
    await openPayments(page, 'awaiting your decision');
    await sees(page, 'No payments are awaiting your decision.');
  });
});

describe('a payment that can no longer move money', () => {
  it('is written off by an operator, and not before', async () => {
    const { who, path } = await buyLater('written off');
    const context = await local.browser.newContext({ viewport: { width: 1280, height: 900 } });
    const { page } = await signInAs(local, 'operator', context);
    await openCall(page, path, 'Write off');
    await press(page, 'Write off');
    await fill(page, 'Reason', 'the payer is gone');
    await press(page, 'Write off with the wallet');
    await sees(page, 'Its authorization can still move the money.');
    expect(await page.getByLabel('Reason', { exact: true }).inputValue()).toBe('the payer is gone');

    await page.goto('about:blank');
    await pass(local.stack.gateway.url, TWO_HOURS, [accountOf(who)]);
    await page.clock.setSystemTime(Date.now() + TWO_HOURS * 1000);
    await openCall(page, path, 'Write off');
    await press(page, 'Write off');
    await fill(page, 'Reason', 'the payer is gone');
    await press(page, 'Write off with the wallet');
    await sees(page, /Payment failed by fault of the gateway/);
    // The attempts show the reason.
    await page.getByRole('row', { name: NOT_READABLE }).first().waitFor(EVENTUALLY);
    await sees(page, 'written off');
    await offersNoMore(page, 'Write off');
    await openPayments(page, 'written off');
    await page
      .getByRole('table', { name: 'Payments that are written off' })
      .getByRole('row', { name: /lookup.*fault of the gateway, written off/ })
      .waitFor();
  });
});
