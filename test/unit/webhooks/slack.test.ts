import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { ALERT_RULES, type AlertBody, type AlertRule } from '../../../src/protocol/alert.ts';
import { testDelivery } from '../../../src/webhooks/deliveries.ts';
import { parseWebhook, webhookName } from '../../../src/webhooks/document.ts';
import { sealWebhook } from '../../../src/webhooks/seal.ts';
import { createFakeSlack, type FakeSlack } from '../../support/fake-slack.ts';
import { db } from '../audit/database.ts';
import { ALICE, START } from '../audit/history.ts';
import { alertOf, consumer, queued, register, signer } from './world.ts';
import { found, log, ONCE, useReceiver } from './receiver.ts';

useReceiver();

const PATH = '/services/T0/B0/hunter2secret';
const URL_OF_SLACK = `https://hooks.slack.com${PATH}`;
const receiptKey = inject('receiptKey');

let slack: FakeSlack;
beforeEach(async () => {
  slack = createFakeSlack(PATH);
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) =>
    slack.handle(new Request(input, init)),
  );
  const parsed = parseWebhook({ url: URL_OF_SLACK, events: ['*'], format: 'slack' }, 'public');
  if (!parsed.ok) throw new Error('not a webhook');
  await register(
    ALICE,
    'ops',
    await sealWebhook(receiptKey, webhookName(ALICE, 'ops'), parsed.value),
  );
});
afterEach(() => {
  vi.restoreAllMocks();
});

const labelled = async (label: string) =>
  db
    .prepare(
      `INSERT INTO accounts (account, above, label, status, operator_status, first_at, seq)
       VALUES (?, '[]', ?, 'active', 'active', ?, 1)`,
    )
    .bind(ALICE, label, START)
    .run();

const deliver = async (alert?: AlertBody, now = START) => {
  const [message] = await queued(ALICE, alertOf(ALICE, alert));
  if (message === undefined) throw new Error('no message');
  const { consume, raised } = consumer();
  return { done: await consume([message], now), raised, message, consume };
};

const DETAILS: { readonly [rule in AlertRule]: AlertBody['detail'] } = {
  facilitator_away: {
    ...{ network: 'eip155:8453', backend: 'x402.org', kind: 'alone', error: 'no_answer' },
    since: START,
  },
  chain_stuck: { network: 'eip155:8453', kind: 'old', block: 7, made: START, since: START },
  upstream_failing: { tool: 'lookup', failed: 9, calls: 10, since: START },
  queue_late: { queue: 'audit', oldest: START, since: START },
  cron_missed: { since: START },
  soft_limit: { limit: 'window', percent: 80, max: '1000000', used: '812500', resetsAt: START },
  approval: {
    ...{ call: '0x34', tool: 'lookup', amount: '20000', above: '5000', asked: ALICE },
    until: START,
  },
  breaker: { tool: 'lookup', request: '0x12' },
  debt: { asset: 'usdc', debt: '50000' },
  stuck: { call: '0x34', tool: 'lookup', amount: '20000', since: START },
  dead_letter: { queue: 'countersign-settlement', letter: 'l1', reason: 'gave up' },
  webhook_disabled: { webhook: 'pager', reason: 'failing', failures: 5 },
  gas: { network: 'eip155:8453', address: '0x56', balance: '1', covers: 12 },
  reconciliation: { network: 'eip155:8453', kind: 'amount', chain: '10000', ledger: '20000' },
  catalogue_stale: { source: 'file' },
  tool_changed: { tool: 'remote', host: 'mcp.example', kind: 'gone' },
  card_charged: { kind: 'after_release', card: 'ic_1', tool: 'shop', amount: '18500000' },
  absurd_usage: {
    ...{ tool: 'llm', kind: 'not_whole', unit: 'input_tokens' },
    reason: 'The upstream reported input tokens as -1, which is not a whole number',
  },
  secret_returned: { tool: 'remote', secret: 'weather', host: 'api.example' },
  database_size: { percent: 90, max: 10_000_000_000 },
  database_unavailable: {},
  log_forked: { account: ALICE, seq: 7 },
  account_behind: { from: 7, to: 12, until: START },
  database_behind: { account: ALICE, from: 7, to: 12 },
  log_behind: { account: ALICE, seq: 7, since: START },
  witness: { kind: 'away', witness: 'w.example', since: START, reason: 'it answered 500' },
  archive: { kind: 'unavailable', since: START },
  payee_missing: { network: 'eip155:8453', payee: '0x78', payments: 3, amount: '20000' },
  backend: { network: 'eip155:8453', backend: 'x402.org', error: 'invalid' },
};

describe('a Slack message', () => {
  test.each(ALERT_RULES)('of %s has Slack’s form, words, and a next step', async (rule) => {
    expect((await deliver({ rule, detail: DETAILS[rule] })).done).toEqual(ONCE);
    const [post] = slack.posted;
    expect(post?.shown).toMatch(/\nNext: \S.{10,}/);
    expect(post?.shown).toContain(ALICE);
    expect(post?.shown).not.toMatch(/undefined|NaN|\(\)|\s\.|:\s*\.|\b(?:812500|50000|20000)\b/);
    expect(post?.blocks).toHaveLength(3);
  });

  test('states amounts in dollars', async () => {
    await deliver({ rule: 'soft_limit', detail: DETAILS.soft_limit });
    expect(slack.posted[0]?.text).toContain('has used $0.8125 of $1.00 (window).');
    await deliver({ rule: 'debt', detail: { asset: 'usdc', debt: '50000' } });
    expect(slack.posted[1]?.shown).toContain("countersign credits top-up '$0.05' --to eip155:");
  });

  test('cannot mention a channel, disguise a link or add a line through a label or a tool', async () => {
    await labelled('<!channel> <https://evil.example|bank> & <@U1>\n*Paid* \u202egnp.exe');
    await deliver({ rule: 'breaker', detail: { tool: '<!here>\u0007\nall good', request: '0x' } });
    const [post] = slack.posted;
    expect(post?.special).toEqual([]);
    expect(post?.shown).toContain(
      '<!channel> <https://evil.example|bank> & <@U1> *Paid* gnp.exe (0x',
    );
    expect(post?.shown).toContain('the tool <!here> all good.');
    expect(post?.shown).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
    for (const { text, elements } of post?.blocks ?? [])
      for (const each of text === undefined ? (elements ?? []) : [text])
        expect(each.verbatim).toBe(true);
  });

  test('has at most 3000 characters a block, and no cut entity', async () => {
    await labelled('&'.repeat(64));
    const long = '<&>'.repeat(4_000);
    await deliver({ rule: 'dead_letter', detail: { queue: long, letter: long, reason: long } });
    await deliver({ rule: 'backend', detail: { network: long, backend: long, error: long } });
    await deliver({ rule: 'breaker', detail: { tool: long, request: '' } });
    expect(slack.posted).toHaveLength(3);
  });

  test('of a detail that is too long for a message names the log entry', async () => {
    const detail = Object.fromEntries(
      Array.from({ length: 200 }, (_, at) => [`field${at}`, 'x'.repeat(200)]),
    );
    await deliver({ rule: 'debt', detail });
    expect(slack.posted[0]?.shown).toContain('the log entry has them');
  });
});

describe('an answer of Slack', () => {
  test('429 waits as long as Retry-After asks, and never less than usual', async () => {
    slack.answerNext(
      new Response('rate_limited', { status: 429, headers: { 'retry-after': '45' } }),
    );
    const { done, message, consume } = await deliver();
    expect(done).toEqual({ done: 0, again: [45] });
    slack.answerNext(
      new Response('rate_limited', { status: 429, headers: { 'retry-after': '1' } }),
    );
    expect(await consume([message], START + 45)).toEqual({ done: 0, again: [60] });
    expect(await consume([message], START + 105)).toEqual(ONCE);
    expect(slack.posted).toHaveLength(1);
    expect((await log()).map(({ status, outcome }) => [status, outcome])).toEqual([
      [200, 'delivered'],
      [429, 'retry'],
      [429, 'retry'],
    ]);
  });

  test('404 no_service disables the webhook at once, with an alert', async () => {
    slack.remove();
    const { done, raised } = await deliver();
    expect(done).toEqual(ONCE);
    expect(await found()).toMatchObject({ state: 'disabled', reason: 'gone' });
    expect(raised).toMatchObject([
      { account: ALICE, alert: { rule: 'webhook_disabled', detail: { webhook: 'ops' } } },
    ]);
  });

  test('400 is not retried: the same body would be rejected again', async () => {
    slack.answerNext(new Response('invalid_payload', { status: 400 }));
    expect((await deliver()).done).toEqual(ONCE);
    expect(await log()).toMatchObject([{ status: 400, outcome: 'failed' }]);
    expect(await found()).toMatchObject({ state: 'active', failures: 1 });
  });

  test('500 is retried', async () => {
    slack.answerNext(new Response('rollup_error', { status: 500 }));
    expect((await deliver()).done).toEqual({ done: 0, again: [10] });
  });

  test('is what a test of the webhook returns', async () => {
    const deps = { db, signer: await signer(), receiptKey, reach: 'public' as const };
    expect(await testDelivery(deps, ALICE, 'ops', START)).toMatchObject({ outcome: 'delivered' });
    expect(slack.posted[0]?.text).toBe('Test. The webhook ops works.');
    slack.remove();
    expect(await testDelivery(deps, ALICE, 'ops', START)).toMatchObject({
      ...{ status: 404, outcome: 'failed' },
    });
  });
});

describe('the URL of a Slack webhook', () => {
  test('is in no table and no log line', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    vi.mocked(fetch).mockRejectedValue(new Error(`connect ${URL_OF_SLACK}`));
    await deliver();
    const tables = ['webhooks', 'webhook_deliveries', 'webhook_messages', 'dead_letters'];
    const rows = tables.map(async (table) => db.prepare(`SELECT * FROM ${table}`).all());
    const stored = JSON.stringify((await Promise.all(rows)).map(({ results }) => results));
    expect(stored).toContain('https://hooks.slack.com/');
    expect(stored + JSON.stringify(lines.mock.calls)).not.toContain('hunter2');
  });

  test('is needed anew after another RECEIPT_KEY', async () => {
    const other = JSON.stringify({ d: 'A'.repeat(43) });
    const deps = { db, signer: await signer(), receiptKey: other, reach: 'public' as const };
    expect(await testDelivery(deps, ALICE, 'ops', START)).toMatchObject({
      ...{ fault: 'secret', outcome: 'failed' },
    });
    expect(fetch).not.toHaveBeenCalled();
  });
});
