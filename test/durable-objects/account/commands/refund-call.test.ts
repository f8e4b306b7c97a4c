import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { CallCharge } from '../../../../src/protocol/account/command.ts';
import {
  accountOf,
  asset,
  callOf,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  ringNow,
  settleFirst,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
} from '../../support.ts';
import {
  AUDIENCE,
  callOnce,
  denialOf,
  enrol,
  ownerWith,
  restore,
  ruleOf,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';
import {
  changed,
  intentOf,
  lastEntry,
  openPayment,
  operator,
  ownerBy,
  refused,
  seqOf,
} from './command-support.ts';

afterEach(restore);

type Refund = { readonly amount?: bigint; readonly charge?: CallCharge };

const refundCall = (payer: Hex, call: Hex, more: Refund = {}, intent = intentOf(), by = operator) =>
  stubOf(payer).apply({ kind: 'refundCall', call, reason: 'wrong answer', by, intent, ...more });

const unwritable = (hint: string) => ({
  verdict: 'refused',
  fault: { reason: 'not_writable', hint: expect.stringContaining(hint) as string },
});

/** A finished call of 1,000 from a credit of 5,000. */
const creditCall = async (outcome = success, policy: unknown = {}) => {
  const payer = randomHex(20);
  await topUp(payer, 5_000n);
  await setPolicy(payer, policy);
  const call = intentCallOf(payer, { settlement: 'credit' });
  const attempt = randomHex(16);
  await stubOf(payer).reserve(call, attempt, {});
  await stubOf(payer).finish(call.id, attempt, outcome);
  return { payer, call: call.id };
};

/** A finished call of 1,000 whose payment settled before its tool ran. */
const upfrontCall = async (outcome = success) => {
  const payer = randomHex(20);
  const call = callOf(payer, { settlement: 'upfront' });
  const attempt = randomHex(16);
  await settleFirst(payer, call, attempt);
  await stubOf(payer).finish(call.id, attempt, outcome);
  return { payer, call: call.id };
};

const charge: CallCharge = {
  ...{ tool: 'lookup', asset, state: 'committed', paidBy: 'deferred', payment: 'settled' },
  ...{ charged: 1_000n, isKept: false, isTopUp: false },
};

describe('a refund of a call', () => {
  test.each([
    ['paid from credit', creditCall, '5000'],
    ['paid upfront', upfrontCall, '1000'],
  ])('%s is credit of its payer at once, with an entry about the call', async (_, make, credit) => {
    const { payer, call } = await make();
    const to = accountOf(payer);
    const refund = { asset, to, amount: '1000', refunded: '1000', charged: '1000' };
    expect(await refundCall(payer, call)).toMatchObject({ ...changed, refund });
    expect((await purseOf(payer)).credit).toBe(credit);
    // The payer's look-up of the call shows the refund.
    expect(await stubOf(payer).lookUp({ account: to, call })).toMatchObject({
      ...{ verdict: 'found', status: { charged: 1_000n, refunded: 1_000n } },
    });
    expect(await lastEntry(payer)).toMatchObject({
      ...{ type: 'call.refunded', call, tool: 'lookup' },
      amounts: { amount: '1000', refunded: '1000' },
      payment: { asset, to },
      outcome: { reason: 'wrong answer' },
      evidence: { by: operator.account, role: 'operator', order: expect.any(Object) as object },
    });
  });

  test('in parts never exceeds the charge, across evictions', async () => {
    const { payer, call } = await creditCall();
    expect(await refundCall(payer, call, { amount: 600n })).toMatchObject({ credit: 4_600n });
    await evictDurableObject(stubOf(payer));
    const seq = await seqOf(payer);
    expect(await refundCall(payer, call, { amount: 401n })).toMatchObject(unwritable('400 atomic'));
    expect(await seqOf(payer)).toBe(seq);
    // The second refund returns the rest of the charge.
    expect(await refundCall(payer, call)).toMatchObject({
      credit: 5_000n,
      refund: { amount: '400', refunded: '1000' },
    });
    for (const more of [{}, { amount: 1n }]) {
      expect(await refundCall(payer, call, more)).toMatchObject(unwritable('All of its charge'));
    }
    expect((await purseOf(payer)).credit).toBe('5000');
    // The refund transfers no credit to another account.
    expect((await snapshotOf(payer)).sending).toBe(0);
  });

  test('happens once however many arrive at the same time', async () => {
    const { payer, call } = await creditCall();
    const answers = await Promise.all(Array.from({ length: 8 }, () => refundCall(payer, call)));
    expect(answers.filter(({ verdict }) => verdict === 'applied')).toHaveLength(1);
    expect((await purseOf(payer)).credit).toBe('5000');
    expect((await entriesOf(payer)).filter(({ type }) => type === 'call.refunded')).toHaveLength(1);
  });

  test('is applied once for each signed intent, and gives the same answer to a retry', async () => {
    const { payer, call } = await creditCall();
    const intent = intentOf();
    const first = await refundCall(payer, call, { amount: 10n }, intent);
    expect(await refundCall(payer, call, { amount: 10n }, intent)).toEqual(first);
    const other = { ...intent, attempt: randomHex(16) };
    expect(await refundCall(payer, call, { amount: 10n }, other)).toEqual(refused('already_used'));
    const { digest: _, ...unnamed } = intentOf();
    expect(await refundCall(payer, call, {}, unnamed)).toEqual({ verdict: 'unavailable' });
    expect((await purseOf(payer)).credit).toBe('4010');
  });

  test('is for operators alone', async () => {
    const { payer, call } = await creditCall();
    expect(await refundCall(payer, call, {}, intentOf(), ownerBy(payer))).toEqual(
      refused('forbidden'),
    );
    expect((await purseOf(payer)).credit).toBe('4000');
  });

  test('gives no new budget: the window of the account still counts the charge', async () => {
    const { payer, call } = await creditCall(success, {
      windows: [{ every: 'day', limit: '1500u' }],
    });
    await refundCall(payer, call);
    expect(denialOf(await callOnce(payer, 501n))).toMatchObject({ limit: { spent: '1000' } });
    expect(ruleOf(await callOnce(payer, 500n))).toBe('go');
  });
});

describe('a refund is rejected', () => {
  test.each([
    ['of a failed call, which was charged nothing', () => creditCall(failure), 'charged nothing'],
    ['of a failed call whose money is credit', () => upfrontCall(failure), 'charged nothing'],
    ['of a payment that has not settled', openPayment, 'has not settled'],
  ])('%s', async (_, make, hint) => {
    const { payer, call } = await make();
    const { credit } = await purseOf(payer);
    expect(await refundCall(payer, call)).toMatchObject(unwritable(hint));
    // The account uses its own record, even if the gateway sends another charge.
    expect(await refundCall(payer, call, { charge })).toMatchObject(unwritable(hint));
    expect((await purseOf(payer)).credit).toBe(credit);
  });

  test('while the call runs, and of an amount that a silent tool keeps', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = intentCallOf(payer, { settlement: 'credit', onSilence: 'keep' });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(await refundCall(payer, call.id)).toMatchObject(unwritable('still running'));
    const silence = { success: false, status: 0, digest: 'none', reason: 'timeout' } as const;
    await stubOf(payer).finish(call.id, attempt, silence);
    expect(await refundCall(payer, call.id)).toMatchObject(unwritable('Resolve it instead'));
  });

  test('of a top-up, whose money is credit already', async () => {
    const payer = randomHex(20);
    const call = topUpOf(payer, 5_000n);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    await stubOf(payer).finish(call.id, attempt, success);
    expect(await refundCall(payer, call.id)).toMatchObject(unwritable('bought credit'));
    expect((await purseOf(payer)).credit).toBe('5000');
  });

  test('after the payer made the payment fail: nobody has paid', async () => {
    const { payer, call } = await openPayment();
    const failed = { outcome: 'failed', fault: 'payer', reason: 'cancelled' } as const;
    await stubOf(payer).settled([{ call, ...failed }]);
    expect((await purseOf(payer)).credit).toBe('-1000');
    expect(await refundCall(payer, call)).toMatchObject(unwritable('did not settle'));
  });

  test('of an unknown call, which creates no account', async () => {
    const payer = randomHex(20);
    expect(await refundCall(payer, randomHex(32))).toEqual(refused('unknown_call'));
    expect(await tablesOf(payer)).toEqual([]);
  });
});

describe('a settled payment', () => {
  test('can be refunded once the chain has decided', async () => {
    const { payer, call } = await openPayment();
    const settled = { outcome: 'settled', transaction: randomHex(32), block: 12 } as const;
    await stubOf(payer).settled([{ call, ...settled }]);
    const { credit, settled: trusted } = await purseOf(payer);
    expect(await refundCall(payer, call)).toMatchObject({ ...changed, credit: 1_000n });
    // The payment stays with the gateway, so it still counts as settled (law 7).
    expect(await purseOf(payer)).toMatchObject({ credit: '1000', settled: trusted });
    expect(credit).toBe('0');
  });
});

describe('a call that the account has forgotten', () => {
  test('is refunded by what D1 has about it, with the same total', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = randomHex(32);
    expect(await refundCall(payer, call, { amount: 700n, charge })).toMatchObject({
      ...changed,
      credit: 5_700n,
    });
    await evictDurableObject(stubOf(payer));
    expect(await refundCall(payer, call, { amount: 301n, charge })).toMatchObject(
      unwritable('300 atomic units'),
    );
    for (const changes of [
      { payment: 'open' },
      { payment: 'failed' },
      { state: 'held' },
      { isKept: true },
      { isTopUp: true },
      { charged: 0n },
    ] as const) {
      const stored = { ...charge, ...changes };
      expect(await refundCall(payer, randomHex(32), { charge: stored })).toMatchObject(
        unwritable(''),
      );
    }
    expect((await purseOf(payer)).credit).toBe('5700');
  });
});

describe('a call that the credit of an ancestor paid', () => {
  test('is refunded to that ancestor, once', async () => {
    const owner = await ownerWith(10_000n);
    const agent = randomHex(20);
    const { hash } = await enrol(owner, agent);
    const call = intentCallOf(agent, { settlement: 'credit', audience: AUDIENCE });
    const attempt = randomHex(16);
    const evidence = { facts: factsOf(0n) };
    expect((await stubOf(agent).reserve(call, attempt, evidence)).verdict).toBe('go');
    await stubOf(agent).finish(call.id, attempt, success);
    await setStatus(owner, 'paused');
    expect((await purseOf(owner)).credit).toBe('9000');
    const refund = await refundCall(agent, call.id);
    expect(refund).toMatchObject({ ...changed, refund: { to: accountOf(owner), amount: '1000' } });
    expect(refund).not.toHaveProperty('credit');
    expect(await refundCall(agent, call.id)).toMatchObject(unwritable('All of its charge'));
    await ringNow(agent);
    await expect.poll(async () => (await purseOf(owner)).credit).toBe('10000');
    expect((await lastEntry(owner)).type).toBe('credit.received');
    // For a pruned call, the gateway reads the lender from D1. Without it, the account cannot know whose credit paid.
    const lent = { ...charge, paidBy: 'lent', payment: 'none' } as const;
    const other = randomHex(32);
    expect(await refundCall(agent, other, { charge: lent })).toMatchObject(
      unwritable('credits adjust'),
    );
    expect(await refundCall(agent, other, { charge: { ...lent, lender: hash } })).toMatchObject({
      refund: { to: accountOf(owner) },
    });
  });
});
