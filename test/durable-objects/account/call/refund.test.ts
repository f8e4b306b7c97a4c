import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CreditCommand } from '../../../../src/protocol/account/command.ts';
import {
  asset,
  callOf,
  entriesOf,
  intentCallOf,
  purseOf,
  randomHex,
  snapshotOf,
  stubOf,
  success,
  topUp,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
});

const refundOf = (
  amount: bigint,
  changes: Partial<Extract<CreditCommand, { kind: 'refund' }>> = {},
) =>
  ({
    kind: 'refund',
    asset,
    amount,
    transaction: randomHex(32),
    place: 3,
    block: 20,
    intent: { fields: { tool: 'countersign.admin.credits.refund' }, signature: '0x22' },
    ...changes,
  }) as const;

describe('a refund that was paid on chain', () => {
  test('is recorded once for each Transfer log, and lowers the payer’s settled amount', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const refund = refundOf(2_000n);
    expect(await stubOf(payer).apply(refund)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 3_000n,
    });
    await evictDurableObject(stubOf(payer));
    const again = [refund, refund, { ...refund, amount: 1n }];
    for (const answer of await Promise.all(again.map((one) => stubOf(payer).apply(one)))) {
      expect(answer).toMatchObject({ verdict: 'applied', changed: false, credit: 3_000n });
    }
    expect(await stubOf(payer).apply({ ...refund, place: 4 })).toMatchObject({
      verdict: 'applied',
      credit: 1_000n,
    });
    expect(await purseOf(payer)).toMatchObject({ credit: '1000', settled: '1000' });
    // A refund transfers no credit to another account.
    expect((await snapshotOf(payer)).sending).toBe(0);
    const refunded = (await entriesOf(payer)).filter(({ type }) => type === 'credit.refunded');
    expect(refunded).toMatchObject([
      {
        amounts: { amount: '2000' },
        payment: { asset, transaction: refund.transaction, block: 20, log: 3 },
        evidence: { order: refund.intent.fields, signature: '0x22' },
      },
      { amounts: { amount: '2000' }, payment: { log: 4 } },
    ]);
  });

  test('leaves a debt if the credit was spent meanwhile', async () => {
    const payer = randomHex(20);
    await topUp(payer, 5_000n);
    const call = intentCallOf(payer, { price: 4_000n });
    const attempt = randomHex(16);
    await stubOf(payer).reserve(call, attempt, {});
    expect(await stubOf(payer).apply(refundOf(5_000n))).toMatchObject({ credit: 0n });
    // The account reserved this call before the refund, so the call's price becomes debt.
    expect(await stubOf(payer).finish(call.id, attempt, success)).toMatchObject({
      charged: 4_000n,
    });
    expect(await purseOf(payer)).toMatchObject({ credit: '-4000', creditHeld: '0', settled: '0' });
    expect(await stubOf(payer).reserve(callOf(payer), randomHex(16), {})).toMatchObject({
      denial: { rule: 'debt', limit: { spent: '4000' } },
    });
  });
});
