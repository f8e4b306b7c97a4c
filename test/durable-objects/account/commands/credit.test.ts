import { afterEach, describe, expect, test } from 'vitest';
import { asset, factsOf, intentCallOf, randomHex, stubOf, tablesOf } from '../../support.ts';
import { callOnce, ownerWith, restore, ruleOf } from '../../tree-support.ts';
import { intentOf, operator, adjust, refused, lastEntry, seqOf } from './command-support.ts';

afterEach(restore);

describe('credit', () => {
  test('is adjusted by an operator, with signer and reason in the log', async () => {
    const payer = randomHex(20);
    expect(await adjust(payer, 50n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 50n,
    });
    expect(await lastEntry(payer)).toMatchObject({
      type: 'credit.adjusted',
      decision: 'added',
      amounts: { amount: '50' },
      payment: { asset, credit: '50' },
      outcome: { reason: 'goodwill' },
      evidence: { by: operator.account, role: 'operator' },
    });
    expect(await adjust(payer, -20n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 30n,
    });
    expect(await lastEntry(payer)).toMatchObject({ decision: 'taken', amounts: { amount: '20' } });
    expect(ruleOf(await callOnce(payer, 30n))).toBe('go');
  });

  test('is never reduced below zero or below what running calls hold', async () => {
    const payer = await ownerWith(100n);
    const seq = await seqOf(payer);
    expect(await adjust(payer, -101n)).toEqual({
      verdict: 'refused',
      fault: { reason: 'credit_too_low', credit: '100' },
    });
    expect(await adjust(payer, 0n)).toMatchObject(refused('not_writable'));
    expect(await adjust(payer, 2n ** 53n)).toMatchObject(refused('not_writable'));
    expect(await seqOf(payer)).toBe(seq);
    const call = intentCallOf(payer, { price: 60n, settlement: 'credit' });
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(0n) });
    expect(await adjust(payer, -41n)).toEqual({
      verdict: 'refused',
      fault: { reason: 'credit_too_low', credit: '40' },
    });
    expect(await adjust(payer, -40n)).toMatchObject({
      verdict: 'applied',
      changed: true,
      credit: 60n,
    });
  });

  test('is not adjusted by a command without a digest, whose repeat the account could not recognise', async () => {
    const payer = randomHex(20);
    const { digest: _, ...order } = intentOf();
    expect(await adjust(payer, 50n, order)).toEqual({ verdict: 'unavailable' });
    expect(await tablesOf(payer)).toEqual([]);
  });
});
