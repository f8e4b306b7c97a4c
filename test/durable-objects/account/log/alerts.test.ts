import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import type { AgentAccount } from '../../../../durable-objects/account/agent-account.ts';
import { deny } from '../../../../durable-objects/account/call/denial.ts';
import type { Context } from '../../../../durable-objects/account/decision.ts';
import { ACCOUNT, emptyAccount } from '../../../../durable-objects/account/state.ts';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import { entryText } from '../../../../src/audit/entry.ts';
import { project } from '../../../../src/audit/projection.ts';
import { verifyLog } from '../../../../src/audit/verify.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { BUILT_IN_POLICY, policyHash } from '../../../../src/policy/policy.ts';
import type { Call } from '../../../../src/protocol/account/call.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  onDisk,
  randomHex,
  storedAccountOf,
  stubOf,
  success,
  tablesOf,
  trust,
} from '../../support.ts';
import {
  AUDIENCE,
  branchWith,
  callOnce,
  enrol,
  freeOnce,
  limitOf,
  LONG,
  ownerWith,
  pass,
  putToSleep,
  restore,
  rowsOf,
  ruleOf,
  setPolicy,
} from '../../tree-support.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';

afterEach(restore);

const alertsOf = async (payer: Hex, rule?: AlertBody['rule']): Promise<Entry[]> =>
  (await entriesOf(payer)).filter(
    (entry) => entry.type === 'alert.raised' && (rule === undefined || entry.rule === rule),
  );

const detailsOf = async (payer: Hex, rule: AlertBody['rule']) =>
  (await alertsOf(payer, rule)).map(({ outcome }) => outcome);

const day = (limit: string, more: object = {}) => ({
  windows: [{ every: LONG, limit: `${limit}u` }],
  ...more,
});

/** An account that holds a running call. */
const hold = async (payer: Hex, price: bigint) => {
  const call = intentCallOf(payer, { price, settlement: 'credit', audience: AUDIENCE });
  const attempt = randomHex(16);
  expect((await stubOf(payer).reserve(call, attempt, {})).verdict).toBe('go');
  return { call, attempt };
};

describe('soft_limit', () => {
  test('is raised by the call that crosses 80 %, and by no other call', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    for (const price of [100n, 300n, 399n]) await callOnce(payer, price);
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 1n);
    const [alert] = await alertsOf(payer);
    expect(alert).toMatchObject({
      type: 'alert.raised',
      rule: 'soft_limit',
      outcome: {
        limit: `window:${LONG}s`,
        asset,
        percent: 80,
        max: '1000',
        used: '800',
        resetsAt: expect.any(Number),
      },
    });
    for (const price of [1n, 100n, 99n]) await callOnce(payer, price);
    expect(ruleOf(await callOnce(payer, 1n))).toBe('window');
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('costs one row when it is raised, and no row otherwise', async () => {
    const watched = await ownerWith(100_000n, day('1000'));
    const unwatched = await ownerWith(100_000n, day('1000000'));
    const costs = async (payer: Hex): Promise<number[]> => {
      const rows: number[] = [];
      for (const price of [700n, 99n, 1n, 1n]) {
        const before = await rowsOf(payer);
        await callOnce(payer, price);
        rows.push((await rowsOf(payer)) - before);
      }
      return rows;
    };
    const plain = await costs(unwatched);
    expect(await costs(watched)).toEqual(plain.map((rows, at) => (at === 2 ? rows + 1 : rows)));
    expect(await alertsOf(watched)).toHaveLength(1);
  });

  test('counts what running calls hold, and is not raised again when they fail', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    const { call, attempt } = await hold(payer, 900n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await stubOf(payer).finish(call.call, attempt, failure);
    await callOnce(payer, 800n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is raised once by concurrent calls', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await Promise.all(Array.from({ length: 10 }, () => callOnce(payer, 100n)));
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is not raised again after an eviction', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 850n);
    await putToSleep(payer);
    await callOnce(payer, 50n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });

  test('is raised again in the next period', async () => {
    const payer = await ownerWith(100_000n, { windows: [{ every: 3_600, limit: '1000u' }] });
    for (const period of [1, 2, 3]) {
      await callOnce(payer, 900n);
      expect(await alertsOf(payer)).toHaveLength(period);
      await callOnce(payer, 50n);
      pass(3_600);
    }
    const details = await detailsOf(payer, 'soft_limit');
    expect(details).toHaveLength(3);
    expect(new Set(details.map((detail) => detail?.['resetsAt'])).size).toBe(3);
  });

  test('is raised again after the limit changed, and not after the same limit was set again', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 850n);
    await setPolicy(payer, day('1000', { perCall: '900u' }));
    await callOnce(payer, 10n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await setPolicy(payer, day('2000'));
    await callOnce(payer, 700n);
    expect(await alertsOf(payer)).toHaveLength(1);
    await callOnce(payer, 100n);
    expect((await detailsOf(payer, 'soft_limit')).map((detail) => detail?.['max'])).toEqual([
      '1000',
      '2000',
    ]);
  });

  test('is remembered for current limits only, however often the policy changes', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    for (let limit = 1; limit <= 10; limit += 1) {
      await setPolicy(payer, day(limit.toString()));
      await callOnce(payer, 1n);
    }
    expect(await alertsOf(payer)).toHaveLength(10);
    const stored = JSON.stringify(ACCOUNT.encode(await storedAccountOf(payer)));
    expect(stored.match(/base \d+/g)).toEqual(['base 10']);
  });

  test('is raised once for each of two policies that share a counter', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await setPolicy(payer, day('900'), 'owner');
    await callOnce(payer, 850n);
    await callOnce(payer, 10n);
    const details = await detailsOf(payer, 'soft_limit');
    expect(details.map((detail) => [detail?.['limit'], detail?.['max']])).toEqual([
      [`window:${LONG}s`, '1000'],
      [`owner:window:${LONG}s`, '900'],
    ]);
    const stored = JSON.stringify(ACCOUNT.encode(await storedAccountOf(payer)));
    expect(stored.match(/(base|owner) \d+/g)).toEqual(['base 1000', 'owner 900']);
  });

  test.each([
    [1, 10n],
    [50, 500n],
    [99, 990n],
  ])('is raised at %i %% where the policy says so', async (softPercent, at) => {
    const payer = await ownerWith(100_000n, { lifetime: '1000u', softPercent });
    await callOnce(payer, at - 1n);
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 1n);
    expect(await detailsOf(payer, 'soft_limit')).toMatchObject([
      { limit: 'lifetime', percent: softPercent, used: at.toString() },
    ]);
  });

  test('is raised for each limit separately and names the limit’s owner', async () => {
    const owner = await ownerWith(100_000n);
    const agent = randomHex(20);
    const grant = await enrol(owner, agent, { maxTotal: 400n });
    await setPolicy(agent, day('1000'));
    await setPolicy(agent, day('500', { lifetime: '500u', softPercent: 60 }), 'owner');
    await callOnce(agent, 310n);
    await callOnce(agent, 20n);
    const details = await detailsOf(agent, 'soft_limit');
    expect(details.map((detail) => [detail?.['limit'], detail?.['grant']])).toEqual([
      [`owner:window:${LONG}s`, undefined],
      ['owner:lifetime', undefined],
      ['grant:lifetime', grant.hash],
    ]);
  });

  test('is not raised for a limit of zero, nor by free calls', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 700n);
    await setPolicy(payer, day('0'));
    await freeOnce(payer);
    expect(ruleOf(await callOnce(payer, 1n))).toBe('window');
    expect(await alertsOf(payer)).toEqual([]);
  });

  test('counts what an owner’s agents have spent, not the shares they hold unused', async () => {
    const { owner, manager, agent } = await branchWith(100_000n, day('1000', { softPercent: 50 }));
    // A busy agent leases more than it needs: half of the limit is lent before half of it is spent.
    let calls = 0;
    for (let out = 0; out < 500; calls += 1) {
      await callOnce(agent, 50n);
      const { spent, held } = await limitOf(owner, `window:${LONG}s`);
      out = Number(spent) + Number(held);
    }
    expect(calls).toBeLessThan(10);
    expect(await alertsOf(owner)).toEqual([]);
    for (; calls < 10; calls += 1) await callOnce(agent, 50n);
    // The agent returns unused shares by itself, and reports its spending with them.
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    await vi.waitFor(async () => {
      expect(await detailsOf(owner, 'soft_limit')).toMatchObject([
        { limit: `window:${LONG}s`, max: '1000', used: '500' },
      ]);
    });
    await callOnce(agent, 100n);
    pass(70);
    await runDurableObjectAlarm(stubOf(agent));
    await putToSleep(owner);
    await callOnce(owner, 10n);
    expect(await alertsOf(owner)).toHaveLength(1);
    expect(await alertsOf(manager)).toEqual([]);
  });

  test('is raised at the owner before its limit denies an agent, without waiting for an alarm', async () => {
    const { owner, agent } = await branchWith(100_000n, day('1000'));
    for (let spent = 0; spent < 9; spent += 1) await callOnce(agent, 100n);
    expect(ruleOf(await callOnce(agent, 200n))).toBe('window');
    const [detail, ...more] = await detailsOf(owner, 'soft_limit');
    expect(Number(detail?.['used'])).toBeGreaterThanOrEqual(800);
    expect(more).toEqual([]);
  });
});

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
    // Ten seconds later the loop's next denial opens a new entry, and raises no alert.
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
    pass(599);
    await trip();
    expect(await alertsOf(payer, 'breaker')).toHaveLength(2);
    pass(1);
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
      context,
    );
    expect(decided).toMatchObject({ writes: [], entries: [], state: emptyAccount(account) });
  });
});

/** Entries that have rows of their own. */
const looseOf = (payer: Hex): Promise<number> => onDisk(payer, (disk) => disk.count(ENTRY));

/** A deferred call whose tool succeeded and whose payment is not settled yet. */
const unsettled = async (payer: Hex): Promise<Call> => {
  const call = callOf(payer);
  const attempt = randomHex(16);
  const facts = factsOf(10_000_000n);
  expect((await stubOf(payer).reserve(call, attempt, { facts })).verdict).toBe('go');
  await stubOf(payer).finish(call.call, attempt, success);
  return call;
};

describe('debt', () => {
  test('is raised when credit falls below zero, and not again when it falls further', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const calls = [await unsettled(payer), await unsettled(payer)];
    expect(await alertsOf(payer)).toEqual([]);
    for (const { call } of calls) {
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
    const { call } = await unsettled(payer);
    await stubOf(payer).settled([
      { call, outcome: 'failed', fault: 'gateway', reason: 'not_presented' },
    ]);
    expect(await alertsOf(payer)).toEqual([]);
  });
});

describe('stuck', () => {
  test('is raised by the alarm, once for each payment that is open for fifteen minutes', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { call } = await unsettled(payer);
    await stubOf(payer).settled([{ call, outcome: 'sent', backend: 'facilitator' }]);
    pass(899);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toEqual([]);
    pass(1);
    const looseBefore = await looseOf(payer);
    for (const _ of Array(3)) {
      await runDurableObjectAlarm(stubOf(payer));
      pass(300);
    }
    await putToSleep(payer);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toMatchObject([
      {
        rule: 'stuck',
        call,
        tool: 'lookup',
        outcome: { call, tool: 'lookup', asset, amount: '1000', since: expect.any(Number) },
      },
    ]);
    // The alert is part of the call's row, so it costs no row of its own.
    expect(await looseOf(payer)).toBe(looseBefore);
    // The alert decides nothing: the chain still decides what became of the payment (law 5).
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    expect((await entriesOf(payer)).at(-1)).toMatchObject({ type: 'payment.settled', call });
  });

  test('adds no reads or writes to later alarms', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await unsettled(payer);
    const ring = async (): Promise<number> => {
      const before = await rowsOf(payer);
      await runDurableObjectAlarm(stubOf(payer));
      return (await rowsOf(payer)) - before;
    };
    pass(600);
    await ring();
    const young = await ring();
    pass(400);
    // Two rows: the account's and the call's.
    expect(await ring()).toBe(young + 2);
    expect(await ring()).toBe(young);
  });

  test('is not raised for a payment that has ended, nor for an upfront payment', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { call } = await unsettled(payer);
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    const upfront = callOf(payer, { settlement: 'upfront' });
    await stubOf(payer).reserve(upfront, randomHex(16), {});
    pass(1_000);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toEqual([]);
  });

  test('is raised for twenty payments an alarm after a long outage', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    for (let made = 0; made < 25; made += 1) await unsettled(payer);
    pass(1_000);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toHaveLength(20);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toHaveLength(25);
    expect(new Set((await alertsOf(payer)).map(({ call }) => call)).size).toBe(25);
    // After an eviction the account reads each call once more, to see that its alert was raised.
    await putToSleep(payer);
    const readsAtAlarm = async (): Promise<number> => {
      const read = await runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) =>
        vi.spyOn(storage.sql, 'exec'),
      );
      await runDurableObjectAlarm(stubOf(payer));
      const reads = read.mock.calls.filter(([query]) => /FROM "call" WHERE key = /.test(query));
      read.mockRestore();
      return reads.length;
    };
    expect([await readsAtAlarm(), await readsAtAlarm(), await readsAtAlarm()]).toEqual([20, 5, 0]);
    expect(await alertsOf(payer)).toHaveLength(25);
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
    { call: stuck.call, outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
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

describe('a failed commit', () => {
  test('raises no alert; the repeated call raises it', async () => {
    const payer = await ownerWith(100_000n, day('1000'));
    await callOnce(payer, 700n);
    const fails = await runInDurableObject(stubOf(payer), (_: AgentAccount, { storage }) => {
      const spy = vi.spyOn(storage, 'transactionSync').mockImplementationOnce(() => {
        throw new Error('disk full');
      });
      return spy !== undefined;
    });
    expect(fails).toBe(true);
    expect((await callOnce(payer, 200n)).verdict).toBe('unavailable');
    expect(await alertsOf(payer)).toEqual([]);
    await callOnce(payer, 200n);
    expect(await alertsOf(payer)).toHaveLength(1);
  });
});

test('the log of an agent names its ancestors, parent first', async () => {
  const { owner, manager, agent } = await branchWith(1_000n);
  const taken = (await entriesOf(agent)).find(({ type }) => type === 'grant.taken');
  expect(taken?.outcome).toEqual({ above: [accountOf(manager), accountOf(owner)] });
  await callOnce(agent, 10n);
  const accepted = (await entriesOf(agent)).find(({ type }) => type === 'call.accepted');
  expect(accepted?.payment).toMatchObject({ payTo: `0x${'bb'.repeat(20)}` });
  const log = (await entriesOf(agent)).map((entry) => `${entryText(entry)}\n`).join('');
  expect(verifyLog(log)).toMatchObject({ ok: true });
});
