import { runDurableObjectAlarm } from 'cloudflare:test';
import { deny } from '../../../../durable-objects/account/call/denial.ts';
import type { Context } from '../../../../durable-objects/account/decision.ts';
import { emptyAccount } from '../../../../durable-objects/account/state.ts';
import { entryText } from '../../../../src/audit/entry.ts';
import { project } from '../../../../src/audit/projection.ts';
import { verifyLog } from '../../../support/verify-log.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { BUILT_IN_POLICY, policyHash } from '../../../../src/policy/policy.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  randomHex,
  storedAccountOf,
  stubOf,
  tablesOf,
  trust,
} from '../../support.ts';
import {
  callOnce,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { alertsOf, detailsOf, day, unsettled } from './alert-support.ts';

afterEach(restore);

describe('breaker', () => {
  const loop = { repeat: { times: 2, seconds: 86_400 } };

  test('is raised once when the policy stops a loop, and not again while the loop continues', async () => {
    const payer = await ownerWith(100_000n, loop);
    for (const _ of Array(2)) expect(ruleOf(await callOnce(payer, 1n))).toBe('go');
    expect(await alertsOf(payer)).toEqual([]);
    for (const _ of Array(5)) expect(ruleOf(await callOnce(payer, 1n))).toBe('repeat');
    expect(await detailsOf(payer, 'breaker')).toEqual([
      { tool: 'lookup', request: `0x${'11'.repeat(32)}` },
    ]);
    // Ten seconds later, the next denial starts a new entry but raises no alert.
    pass(20);
    await putToSleep(payer);
    await callOnce(payer, 1n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is raised for each tool separately, and again after ten minutes', async () => {
    const payer = await ownerWith(100_000n, loop);
    const other = { tool: 'other', request: `0x${'99'.repeat(32)}` } as const;
    const trip = async (): Promise<void> => {
      for (const _ of Array(3)) {
        await callOnce(payer, 1n);
        await callOnce(payer, 1n, other);
      }
    };
    await trip();
    // The clock runs on while the calls are made.
    pass(570);
    await trip();
    expect(await alertsOf(payer, 'breaker')).toHaveLength(2);
    pass(30);
    await trip();
    const tools = (await detailsOf(payer, 'breaker')).map((detail) => detail?.['tool']);
    expect(tools).toEqual(['lookup', 'other', 'lookup', 'other']);
  });

  test('is remembered for at most 64 tools', async () => {
    const payer = await ownerWith(100_000n, loop);
    const raise = (at: number) =>
      stubOf(payer).apply({ kind: 'alert', alert: { rule: 'dead_letter', detail: { at } } });
    for (let at = 0; at < 70; at += 1) await raise(at);
    const { tree } = await storedAccountOf(payer);
    expect(Object.keys(tree.alerts ?? {})).toHaveLength(64);
  });

  test('is never written for a stranger (law 12)', () => {
    const stranger = randomHex(20);
    const context = { now: 1_000, salt: () => randomHex(16) } as unknown as Context;
    const policy = policyHash(BUILT_IN_POLICY);
    const account = accountOf(stranger);
    const decided = deny(
      emptyAccount(account),
      callOf(stranger),
      { rule: 'repeat', account, retryAllowed: true, policy },
      [],
      context,
    );
    expect(decided).toMatchObject({ writes: [], entries: [], state: emptyAccount(account) });
  });
});

describe('debt', () => {
  test('is raised when credit falls below zero, and not again when it falls further', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const calls = [await unsettled(payer), await unsettled(payer)];
    expect(await alertsOf(payer)).toEqual([]);
    for (const { id: call } of calls) {
      await stubOf(payer).settled([
        { call, outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
      ]);
    }
    expect(await detailsOf(payer, 'debt')).toEqual([{ asset, debt: '1000' }]);
    expect((await alertsOf(payer))[0]?.seq).toBeGreaterThan(
      (await entriesOf(payer)).find(({ type }) => type === 'payment.failed')?.seq ?? Infinity,
    );
  });

  test('is not raised for a loss of the gateway', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { id: call } = await unsettled(payer);
    await stubOf(payer).settled([
      { call, outcome: 'failed', fault: 'gateway', reason: 'not_presented' },
    ]);
    expect(await alertsOf(payer)).toEqual([]);
  });
});

describe('an alert that the Worker reports', () => {
  const give = (payer: Hex, alert: AlertBody) => stubOf(payer).apply({ kind: 'alert', alert });
  const letter: AlertBody = { rule: 'dead_letter', detail: { id: 'a', queue: 'settlement' } };

  test('becomes one entry and leaves the revision unchanged', async () => {
    const payer = await ownerWith(1_000n);
    expect(await give(payer, letter)).toMatchObject({ verdict: 'applied', changed: true });
    expect(await give(payer, letter)).toMatchObject({ verdict: 'applied', changed: false });
    await putToSleep(payer);
    const reordered = { ...letter, detail: { queue: 'settlement', id: 'a' } };
    expect(await give(payer, reordered)).toMatchObject({ changed: false, revision: 0 });
    await give(payer, { ...letter, detail: { ...letter.detail, id: 'b' } });
    expect(await detailsOf(payer, 'dead_letter')).toEqual([
      letter.detail,
      { id: 'b', queue: 'settlement' },
    ]);
  });

  test('writes no row for an unknown account (law 12)', async () => {
    const stranger = randomHex(20);
    expect(await give(stranger, letter)).toMatchObject({ verdict: 'applied', changed: false });
    expect(await tablesOf(stranger)).toEqual([]);
    expect(await rowsOf(stranger)).toBe(0);
  });

  test('is cut to the size of an entry: an entry too large to export would block the log', async () => {
    const payer = await ownerWith(1_000n);
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`field${at}`, at]));
    await give(payer, {
      rule: 'dead_letter',
      detail: {
        reason: `\ud800${'x'.repeat(100_000)}`,
        half: 0.5,
        huge: 2 ** 60,
        none: -0,
        ...many,
      },
    });
    const [detail] = await detailsOf(payer, 'dead_letter');
    expect(detail).toMatchObject({ half: '0.5', none: '0', huge: String(2 ** 60) });
    expect(Object.keys(detail ?? {})).toHaveLength(16);
    const text = (await entriesOf(payer)).map((entry) => `${entryText(entry)}\n`).join('');
    expect(text.length).toBeLessThan(20_000);
    expect(verifyLog(text)).toMatchObject({ ok: true });
  });
});

test('a log with every kind of alert verifies, and its call entries are unchanged', async () => {
  const payer = randomHex(20);
  await trust(payer, 1_000_000n, 10_000_000n);
  await setPolicy(payer, day('4000', { repeat: { times: 5, seconds: 60 } }));
  const stuck = await unsettled(payer);
  pass(1_000);
  await runDurableObjectAlarm(stubOf(payer));
  for (let made = 0; made < 3; made += 1) await unsettled(payer);
  await stubOf(payer).settled([
    { call: stuck.id, outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
  ]);
  await stubOf(payer).apply({ kind: 'alert', alert: { rule: 'webhook_disabled', detail: {} } });
  const entries = await entriesOf(payer);
  const rules = entries.filter(({ type }) => type === 'alert.raised').map(({ rule }) => rule);
  expect(rules).toEqual(['stuck', 'soft_limit', 'debt', 'webhook_disabled']);
  const log = entries.map((entry) => `${entryText(entry)}\n`).join('');
  expect(verifyLog(log)).toMatchObject({ ok: true });
  const plain = entries.filter(({ type }) => type !== 'alert.raised');
  expect(project(entries)).toEqual(project(plain));
});
