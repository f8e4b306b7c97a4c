import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import type { Call, Evidence, Outcome } from '../../../../src/protocol/account/call.ts';
import type { Payment, SettlementResult } from '../../../../src/protocol/payment.ts';
import { collectSettlements } from '../../sent-messages.ts';
import {
  callOf,
  callsOf,
  caughtUp,
  entriesOf,
  factsOf,
  failure,
  purseOf,
  randomHex,
  ringNow,
  storedAccountOf,
  stubOf,
  success,
  asset,
  trust,
} from '../../support.ts';
import { restore } from '../../tree-support.ts';

const MOST = 100_000n;
const CHARGE = 1_260n;
const FACILITATOR: Hex = `0x${'fa'.repeat(20)}`;
const APPROVAL = { nonce: '0', deadline: '9999999999', signature: `0x${'44'.repeat(65)}` } as const;
const ALLOWED = 10n * MOST;

afterEach(restore);

/** A call that a permit of the maximum pays. */
const permitCall = (payer: Hex, permit: Partial<Payment['permit']> = {}): Call => {
  const call = callOf(payer, { price: MOST });
  if (call.payment === undefined) throw new Error('pays');
  return { ...call, payment: { ...call.payment, permit: { facilitator: FACILITATOR, ...permit } } };
};

const allowed = (allowance = ALLOWED, block = 10): Evidence => ({
  facts: { ...factsOf(100_000_000n, block), allowance },
});

const trusted = async (): Promise<Hex> => {
  const payer = randomHex(20);
  await trust(payer, ALLOWED, 100_000_000n);
  return payer;
};

const serve = async (call: Call, payer: Hex, outcome: Outcome, evidence = allowed()) => {
  const attempt = randomHex(16);
  const reserved = await stubOf(payer).reserve(call, attempt, evidence);
  if (reserved.verdict !== 'go') throw new Error(JSON.stringify(reserved));
  return stubOf(payer).finish(call.id, attempt, outcome);
};

const charging = (amount: bigint): Outcome => ({ ...success, amount });

const settledOf = (call: Call, block = 12): SettlementResult => ({
  ...{ call: call.id, outcome: 'settled', transaction: randomHex(32), block },
});

const amountsOf = async (payer: Hex, type: string) =>
  (await entriesOf(payer)).flatMap((entry) => (entry.type === type ? [entry.amounts] : []));

describe('a permit', () => {
  test('holds the maximum while its tool runs, then owes the charge, then has paid it', async () => {
    const payer = await trusted();
    const call = permitCall(payer);
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, allowed());
    expect(await purseOf(payer)).toMatchObject({ held: `${MOST}`, unsettled: '0' });
    const finished = await stubOf(payer).finish(call.id, attempt, charging(CHARGE));
    expect(finished).toMatchObject({ charged: CHARGE, paidFrom: 'payment', payment: 'queued' });
    expect(await purseOf(payer)).toMatchObject({ held: '0', unsettled: `${CHARGE}` });
    await stubOf(payer).settled([settledOf(call)]);
    expect(await caughtUp(payer)).toMatchObject({ known: true });
    expect(await purseOf(payer)).toMatchObject({
      ...{ held: '0', unsettled: '0', credit: '0' },
      settled: `${ALLOWED + CHARGE}`,
    });
    expect(await amountsOf(payer, 'payment.settled')).toMatchObject([{}, { amount: `${CHARGE}` }]);
    const [record] = (await callsOf(payer)).filter(({ id }) => id === call.id);
    expect(record).toMatchObject({ charged: CHARGE, payment: 'settled' });
    expect(record?.held?.signature).toBeUndefined();
  });

  test('is presented with its sender and charge, also after the object was evicted', async () => {
    const payer = await trusted();
    const call = permitCall(payer);
    await serve(call, payer, charging(CHARGE));
    await evictDurableObject(stubOf(payer));
    const sent = await collectSettlements(payer);
    await ringNow(payer);
    await expect
      .poll(() => sent.filter(({ call: id }) => id === call.id))
      .toMatchObject([
        {
          ...{ kind: 'settle', permit: { facilitator: FACILITATOR }, charge: `${CHARGE}` },
          authorization: { value: `${MOST}` },
        },
      ]);
  });

  test('of a tool that charges nothing is released, and never presented', async () => {
    const payer = await trusted();
    const call = permitCall(payer);
    const sent = await collectSettlements(payer);
    expect(await serve(call, payer, charging(0n))).toMatchObject({
      ...{ verdict: 'finished', state: 'committed', charged: 0n, payment: 'released' },
    });
    await ringNow(payer);
    expect(sent.filter(({ call: id }) => id === call.id)).toEqual([]);
    expect(await purseOf(payer)).toMatchObject({ held: '0', unsettled: '0' });
    const [record] = (await callsOf(payer)).filter(({ id }) => id === call.id);
    expect(record?.held?.signature).toBeUndefined();
  });

  test.each([
    ['charges more than the maximum', charging(MOST + 1n)],
    ['fails', failure],
  ])('of a tool that %s costs nothing', async (_, outcome) => {
    const payer = await trusted();
    expect(await serve(permitCall(payer), payer, outcome)).toMatchObject({
      ...{ state: 'released', charged: 0n, payment: 'released' },
    });
  });

  test('of a tool that names no charge moves the maximum', async () => {
    const payer = await trusted();
    const call = permitCall(payer);
    expect(await serve(call, payer, success)).toMatchObject({ charged: MOST, payment: 'queued' });
  });

  test('that its payer cancelled is a debt of the charge', async () => {
    const payer = await trusted();
    const call = permitCall(payer);
    await serve(call, payer, charging(CHARGE));
    await stubOf(payer).settled([
      { call: call.id, outcome: 'failed', fault: 'payer', reason: 'cancelled' },
    ]);
    await caughtUp(payer);
    expect(await purseOf(payer)).toMatchObject({ credit: `-${CHARGE}`, unsettled: '0' });
    expect(await amountsOf(payer, 'payment.failed')).toMatchObject([{ amount: `${CHARGE}` }]);
  });

  test('has its sender in the evidence, and not its approval', async () => {
    const payer = await trusted();
    await serve(permitCall(payer, { approval: APPROVAL }), payer, charging(CHARGE));
    const accepted = (await entriesOf(payer)).findLast(({ type }) => type === 'call.accepted');
    expect(accepted?.evidence).toMatchObject({ facilitator: FACILITATOR });
    expect(JSON.stringify(accepted)).not.toContain('44444444');
  });
});

describe('the allowance of Permit2', () => {
  const reserve = async (payer: Hex, call: Call, evidence: Evidence) =>
    stubOf(payer).reserve(call, randomHex(16), evidence);

  test('is read from the chain, even if the balance is known', async () => {
    const payer = await trusted();
    expect(await reserve(payer, permitCall(payer), {})).toEqual({ verdict: 'stale_payer' });
    expect(await reserve(payer, permitCall(payer), allowed())).toMatchObject({ verdict: 'go' });
    // Known now, and not asked for again.
    expect(await reserve(payer, permitCall(payer), {})).toMatchObject({ verdict: 'go' });
    // An authorization needs none.
    expect(await reserve(payer, callOf(payer), {})).toMatchObject({ verdict: 'go' });
  });

  test('must cover this payment and every accepted one', async () => {
    const payer = await trusted();
    const both = allowed(2n * MOST - 1n);
    expect(await reserve(payer, permitCall(payer), both)).toMatchObject({ verdict: 'go' });
    expect(await reserve(payer, permitCall(payer), {})).toEqual({ verdict: 'stale_payer' });
    expect(await reserve(payer, permitCall(payer), both)).toMatchObject({
      verdict: 'denied',
      denial: {
        ...{ rule: 'allowance', retryAllowed: true },
        limit: { rule: 'allowance', limit: `${2n * MOST - 1n}`, held: `${MOST}` },
      },
    });
  });

  test('that is missing settles first with the approval that the permit carries', async () => {
    const payer = await trusted();
    const call = permitCall(payer, { approval: APPROVAL });
    expect(await reserve(payer, call, allowed(MOST - 1n))).toMatchObject({ verdict: 'settle' });
    const enough = permitCall(payer, { approval: APPROVAL });
    expect(await reserve(payer, enough, allowed(3n * MOST, 11))).toMatchObject({ verdict: 'go' });
  });

  test('that accepted permits need is not replaced by an approval before they have settled', async () => {
    const payer = await trusted();
    const first = permitCall(payer, { approval: APPROVAL });
    const sent = await collectSettlements(payer);
    await serve(first, payer, charging(CHARGE), allowed(MOST));
    await ringNow(payer);
    await expect
      .poll(() => sent.find(({ call: id }) => id === first.id))
      .toMatchObject({ kind: 'settle', permit: { facilitator: FACILITATOR } });
    expect(sent.find(({ call: id }) => id === first.id)?.permit?.approval).toBeUndefined();
    const second = permitCall(payer, { approval: APPROVAL });
    expect(await reserve(payer, second, allowed(MOST))).toEqual({
      ...{ verdict: 'settlement_unavailable', retryAfter: 5 },
    });
    await stubOf(payer).settled([settledOf(first)]);
    await caughtUp(payer);
    expect(await reserve(payer, second, allowed(MOST - CHARGE, 13))).toMatchObject({
      verdict: 'settle',
    });
  });

  test('is lowered by a settlement in a later block, and by no other payment', async () => {
    const payer = await trusted();
    const [permit, plain] = [permitCall(payer), callOf(payer)];
    await serve(permit, payer, charging(CHARGE));
    await serve(plain, payer, success);
    await stubOf(payer).settled([settledOf(permit), settledOf(plain)]);
    await caughtUp(payer);
    const { purses } = await storedAccountOf(payer);
    expect(purses[asset]?.allowance?.amount).toBe(ALLOWED - CHARGE);
    expect(purses[asset]?.balance).toBe(100_000_000n - CHARGE - 1_000n);
  });
});
