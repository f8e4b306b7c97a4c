import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Call, Evidence, Outcome } from '../../../../src/protocol/account/call.ts';
import type { FinalOutcome, SettlementOutcome } from '../../../../src/protocol/payment.ts';
import { collectSettlements } from '../../sent-messages.ts';
import {
  accountOf,
  asset,
  callOf,
  callsOf,
  caughtUp,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  purseOf,
  randomHex,
  ringNow,
  settleFirst,
  storedAccountOf,
  stubOf,
  success,
  trust,
} from '../../support.ts';
import {
  AUDIENCE,
  callOnce,
  enrol,
  limitOf,
  ownerWith,
  pass,
  restore,
  ruleOf,
  setPolicy,
  setStatus,
} from '../../tree-support.ts';
import { intentOf, operator, writeOff } from '../commands/command-support.ts';
import { WINDOW, windowOf } from '../tree/fleets.ts';

/** An authorization moves the maximum; the meter charges a part of it; the rest becomes credit. */
const MOST = 100_000n;
const CHARGE = 1_260n;
const REST = MOST - CHARGE;
const TRUST = 10n * MOST;
const FUNDS: Evidence = { facts: factsOf(100_000_000n) };

afterEach(restore);

const charging = (amount: bigint): Outcome => ({
  ...success,
  amount,
  metered: { basis: 'metered', usage: { bytes: 42 }, rates: `0x${'0e'.repeat(32)}` },
});

const trusted = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await trust(payer, TRUST, 100_000_000n);
  return payer;
};

const serve = async (call: Call, payer: Hex, outcome = charging(CHARGE)) => {
  const attempt = randomHex(16);
  const reserved = await stubOf(payer).reserve(call, attempt, FUNDS);
  if (reserved.verdict !== 'go') throw new Error(JSON.stringify(reserved));
  return stubOf(payer).finish(call.id, attempt, outcome);
};

const conclude = async (payer: Hex, call: Call, outcome: SettlementOutcome) => {
  await stubOf(payer).settled([{ call: call.id, ...outcome }]);
  await caughtUp(payer);
};

const SETTLED: FinalOutcome = {
  ...{ outcome: 'settled', transaction: `0x${'77'.repeat(32)}`, block: 12 },
};

const lastOf = async (payer: Hex, type: string) =>
  (await entriesOf(payer)).findLast((entry) => entry.type === type);

const moneyOf = async (payer: Hex) => {
  const { credit, held, unsettled, settled } = await purseOf(payer);
  return { credit, held, unsettled, settled };
};

describe('a payment that settles after its metered tool', () => {
  test('is owed as a whole, and its rest becomes credit when it has settled', async () => {
    const payer = await trusted();
    await setPolicy(payer, { windows: [{ every: 'day', limit: `${2n * MOST}u` }] });
    const call = callOf(payer, { price: MOST });
    expect(await serve(call, payer)).toMatchObject({ charged: CHARGE, payment: 'queued' });
    const owed = { credit: '0', held: '0', unsettled: `${MOST}`, settled: `${TRUST}` };
    expect(await moneyOf(payer)).toEqual(owed);
    await conclude(payer, call, { outcome: 'sent', backend: 'x' });
    await evictDurableObject(stubOf(payer));
    expect(await moneyOf(payer)).toEqual(owed);
    await conclude(payer, call, SETTLED);
    const paid = {
      ...{ credit: `${REST}`, held: '0', unsettled: '0' },
      settled: `${TRUST + MOST}`,
    };
    expect(await moneyOf(payer)).toEqual(paid);
    // A redelivery credits nothing.
    await conclude(payer, call, SETTLED);
    expect(await moneyOf(payer)).toEqual(paid);
    expect(await limitOf(payer, 'window:day')).toMatchObject({ spent: `${CHARGE}`, held: '0' });
    expect(await lastOf(payer, 'call.finished')).toMatchObject({
      amounts: { charged: `${CHARGE}` },
      payment: { state: 'queued', paidBy: 'deferred' },
    });
    expect(await lastOf(payer, 'payment.settled')).toMatchObject({
      amounts: { amount: `${MOST}` },
      payment: { credited: `${REST}` },
    });
    const record = (await callsOf(payer)).find(({ id }) => id === call.id);
    expect(record).toMatchObject({ charged: CHARGE, price: MOST, payment: 'settled' });
  });

  test('pays with its rest for the next call, and not before it has settled', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    await serve(call, payer);
    const next = () => intentCallOf(payer, { price: REST, settlement: 'credit' });
    const reserve = async () => stubOf(payer).reserve(next(), randomHex(16), FUNDS);
    expect(ruleOf(await reserve())).toBe('credit');
    await conclude(payer, call, SETTLED);
    expect(await reserve()).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
  });

  test('must be covered by the balance as a whole, although less is charged', async () => {
    const payer = await trusted();
    await serve(callOf(payer, { price: MOST }), payer);
    const facts = factsOf(2n * MOST - 1n, 11);
    const next = callOf(payer, { price: MOST });
    expect(await stubOf(payer).reserve(next, randomHex(16), { facts })).toMatchObject({
      verdict: 'denied',
      denial: { rule: 'balance', limit: { held: `${MOST}` } },
    });
  });

  test('for a charge of 0 is never presented, and becomes credit if it moves', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    const sent = await collectSettlements(payer);
    expect(await serve(call, payer, charging(0n))).toMatchObject({
      ...{ state: 'committed', charged: 0n, payment: 'released' },
    });
    await ringNow(payer);
    expect(sent.filter(({ call: id }) => id === call.id)).toEqual([]);
    expect(await moneyOf(payer)).toMatchObject({ credit: '0', unsettled: '0' });
    await conclude(payer, call, SETTLED);
    expect(await moneyOf(payer)).toMatchObject({
      ...{ credit: `${MOST}`, settled: `${TRUST + MOST}` },
    });
    expect(await lastOf(payer, 'payment.settled')).toMatchObject({
      payment: { credited: `${MOST}` },
    });
  });

  test.each([
    ['fails', failure],
    ['charges more than the maximum', charging(MOST + 1n)],
    ['charges a negative amount', charging(-1n)],
  ])('of a tool that %s is released', async (_, outcome) => {
    const payer = await trusted();
    expect(await serve(callOf(payer, { price: MOST }), payer, outcome)).toMatchObject({
      ...{ state: 'released', charged: 0n, payment: 'released' },
    });
  });

  test('of a tool without a meter is charged as a whole, whatever the tool charges', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    expect(await serve(call, payer, { ...success, amount: CHARGE })).toMatchObject({
      charged: MOST,
    });
    await conclude(payer, call, SETTLED);
    expect(await moneyOf(payer)).toMatchObject({ credit: '0' });
  });

  test('that fails by the fault of its payer is a debt of the charge; if it moves after all, its rest is credit', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    await serve(call, payer);
    await conclude(payer, call, { outcome: 'failed', fault: 'payer', reason: 'cancelled' });
    expect(await moneyOf(payer)).toMatchObject({
      ...{ credit: `-${CHARGE}`, unsettled: '0', settled: `${TRUST}` },
    });
    expect(await lastOf(payer, 'payment.failed')).toMatchObject({
      amounts: { amount: `${CHARGE}` },
    });
    await conclude(payer, call, SETTLED);
    expect(await moneyOf(payer)).toMatchObject({
      ...{ credit: `${REST}`, unsettled: '0', settled: `${TRUST + MOST}` },
    });
    expect(await lastOf(payer, 'payment.settled')).toMatchObject({
      amounts: { amount: `${MOST}` },
      payment: { cleared: `${CHARGE}`, credited: `${REST}` },
    });
  });

  test('that was written off loses the charge; if it moves after all, its rest is credit', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    await serve(call, payer);
    pass(3_700);
    expect(await writeOff(payer, call.id)).toMatchObject({ verdict: 'applied' });
    expect(await moneyOf(payer)).toMatchObject({
      ...{ credit: '0', unsettled: '0', settled: `${TRUST - CHARGE}` },
    });
    expect(await lastOf(payer, 'payment.failed')).toMatchObject({
      amounts: { amount: `${CHARGE}` },
    });
    await conclude(payer, call, SETTLED);
    // The write-off's loss of trust is undone, and the rest counts like credit that was bought.
    expect(await moneyOf(payer)).toMatchObject({
      ...{ credit: `${REST}`, settled: `${TRUST - CHARGE + MOST}` },
    });
    const settled = await lastOf(payer, 'payment.settled');
    expect(settled?.payment).toMatchObject({ credited: `${REST}` });
    expect(settled?.payment).not.toHaveProperty('cleared');
  });

  test('that bounced suspends its payer by all that it moves, until it has settled', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    await serve(call, payer);
    await conclude(payer, call, { outcome: 'bounced', reason: 'unfunded', backend: 'x' });
    expect(await lastOf(payer, 'payment.bounced')).toMatchObject({
      amounts: { amount: `${MOST}` },
    });
    expect(await moneyOf(payer)).toMatchObject({ credit: '0', unsettled: `${MOST}` });
    const bounced = async () => (await storedAccountOf(payer)).purses[asset]?.bounced;
    expect(await bounced()).toBe(MOST);
    await conclude(payer, call, SETTLED);
    expect(await moneyOf(payer)).toMatchObject({ credit: `${REST}`, unsettled: '0' });
    expect(await bounced()).toBe(0n);
  });

  test('is refunded up to the charge, once it has settled', async () => {
    const payer = await trusted();
    const call = callOf(payer, { price: MOST });
    await serve(call, payer);
    const refund = (amount: bigint) =>
      stubOf(payer).apply({
        ...{ kind: 'refundCall', call: call.id, amount, reason: 'slow', by: operator },
        intent: intentOf(),
      });
    expect(await refund(1n)).toMatchObject({ verdict: 'refused' });
    await conclude(payer, call, SETTLED);
    expect(await refund(CHARGE + 1n)).toMatchObject({ verdict: 'refused' });
    expect(await refund(CHARGE)).toMatchObject({ verdict: 'applied' });
    expect(await moneyOf(payer)).toMatchObject({ credit: `${MOST}` });
  });
});

describe('a payment that settles before its metered tool', () => {
  const PERMIT = { facilitator: `0x${'fa'.repeat(20)}` } as const;
  const upfront = (payer: Hex): Call => callOf(payer, { price: MOST, settlement: 'upfront' });
  const withPermit = (call: Call): Call =>
    call.payment === undefined ? call : { ...call, payment: { ...call.payment, permit: PERMIT } };

  test.each([
    ['an authorization', (call: Call) => call],
    ['a permit', withPermit],
  ])('becomes credit, but for the charge, when the tool has answered: %s', async (_, signed) => {
    const payer = randomHex(20);
    const call = signed(upfront(payer));
    const attempt = randomHex(16);
    const facts = { ...factsOf(TRUST), allowance: TRUST };
    const first = await stubOf(payer).reserve(call, attempt, { facts });
    expect(first).toMatchObject({ verdict: 'settle' });
    await stubOf(payer).reserve(call, attempt, { settlement: SETTLED });
    expect(await moneyOf(payer)).toMatchObject({ credit: '0', settled: `${MOST}` });
    const finished = await stubOf(payer).finish(call.id, attempt, charging(CHARGE));
    expect(finished).toMatchObject({ charged: CHARGE, paidFrom: 'payment', payment: 'settled' });
    const paid = { credit: `${REST}`, held: '0', unsettled: '0', settled: `${MOST}` };
    expect(await moneyOf(payer)).toEqual(paid);
    // The runtime repeats the finish; a second one credits nothing.
    await stubOf(payer).finish(call.id, attempt, charging(CHARGE));
    expect(await moneyOf(payer)).toEqual(paid);
    expect(await lastOf(payer, 'call.finished')).toMatchObject({
      amounts: { charged: `${CHARGE}` },
      payment: { state: 'settled', paidBy: 'upfront', credited: `${REST}` },
    });
  });

  test.each([
    ['fails', failure, 'released'],
    ['charges nothing', charging(0n), 'committed'],
  ])('becomes credit as a whole if its tool %s', async (_, outcome, state) => {
    const payer = randomHex(20);
    const call = upfront(payer);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await stubOf(payer).finish(call.id, attempt, outcome)).toMatchObject({
      ...{ state, charged: 0n },
    });
    expect(await moneyOf(payer)).toMatchObject({ credit: `${MOST}` });
  });

  test('becomes credit as a whole once if the answer comes after the hold', async () => {
    const payer = randomHex(20);
    const call = upfront(payer);
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    pass(71);
    await ringNow(payer);
    expect(await moneyOf(payer)).toMatchObject({ credit: `${MOST}` });
    expect(await stubOf(payer).finish(call.id, attempt, charging(CHARGE))).toMatchObject({
      ...{ verdict: 'late', charged: 0n },
    });
    expect(await moneyOf(payer)).toMatchObject({ credit: `${MOST}` });
  });

  test.each([
    ['charged as a whole', true, '0'],
    ['credit as a whole', false, `${MOST}`],
  ])('of a kept call is %s in the end', async (_, charge, credit) => {
    const payer = randomHex(20);
    const call = { ...upfront(payer), onSilence: 'keep' as const };
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    const silence: Outcome = { ...failure, status: 0, reason: 'timeout' };
    await stubOf(payer).finish(call.id, attempt, silence);
    expect(await moneyOf(payer)).toMatchObject({ credit: '0' });
    await stubOf(payer).apply({
      ...{ kind: 'resolve', call: call.id, charge, reason: 'looked', by: operator },
      intent: intentOf(),
    });
    expect(await moneyOf(payer)).toMatchObject({ credit });
  });

  test('buys credit as a whole, whatever usage is reported', async () => {
    const payer = randomHex(20);
    const call = callOf(payer, {
      ...{ tool: 'countersign.credits', binding: 'intent', settlement: 'upfront', price: MOST },
      topUp: { to: accountOf(payer) },
    });
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await stubOf(payer).finish(call.id, attempt, charging(CHARGE))).toMatchObject({
      charged: MOST,
    });
    expect(await moneyOf(payer)).toMatchObject({ credit: `${MOST}` });
  });
});

describe('in a tree', () => {
  test('every ancestor counts the charge, and the agent that paid gets the rest', async () => {
    const owner = await ownerWith(1n, windowOf(Number(2n * MOST)));
    const agent = randomHex(20);
    await enrol(owner, agent);
    const call = callOf(agent, { price: MOST, audience: AUDIENCE });
    const attempt = randomHex(16);
    const facts = factsOf(TRUST);
    expect(await stubOf(agent).reserve(call, attempt, { facts })).toMatchObject({
      verdict: 'settle',
    });
    await stubOf(agent).reserve(call, attempt, { settlement: SETTLED });
    await stubOf(agent).finish(call.id, attempt, charging(CHARGE));
    expect((await purseOf(agent)).credit).toBe(`${REST}`);
    // Its next payment settles afterwards.
    const later = callOf(agent, { price: MOST, audience: AUDIENCE });
    const again = randomHex(16);
    expect(await stubOf(agent).reserve(later, again, { facts })).toMatchObject({ verdict: 'go' });
    await stubOf(agent).finish(later.id, again, charging(CHARGE));
    expect((await purseOf(agent)).credit).toBe(`${REST}`);
    await conclude(agent, later, SETTLED);
    expect((await purseOf(agent)).credit).toBe(`${2n * REST}`);
    expect((await purseOf(owner)).credit).toBe('1');
    // The rest is the agent's own money: spending it counts at the owner again.
    expect(ruleOf(await callOnce(agent, CHARGE))).toBe('go');
    await setStatus(owner, 'paused');
    expect(await limitOf(owner, WINDOW)).toMatchObject({ spent: `${3n * CHARGE}`, held: '0' });
  });
});
