import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { NOW, OTHER, paymentNumber } from '../scripted.ts';
import { canceledLog, transferLog, usedLog } from '../scripted-chain.ts';
import {
  chain,
  presented,
  conduct,
  payment,
  freshBackends,
  answerWith,
  settle,
  settleUntilTheWaitEnds,
} from './settle-now-world.ts';

beforeEach(freshBackends);

afterEach(() => {
  vi.restoreAllMocks();
});

describe('unknown, never failed, while the authorization is unused and valid', () => {
  test('if success is claimed without a transfer', async () => {
    conduct['facilitator.test'] = () =>
      answerWith({ success: true, transaction: `0x${'aa'.repeat(32)}` });
    expect(await settleUntilTheWaitEnds()).toMatchObject({
      outcome: 'unknown',
      why: 'the settlement is not on the chain yet',
    });
    expect(presented).toEqual(['facilitator.test']);
  });

  test('if every backend rejects', async () => {
    conduct['facilitator.test'] = () => answerWith({ errorReason: 'a' });
    conduct['second.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    expect(await settle()).toMatchObject({
      outcome: 'unknown',
      why: 'insufficient_funds',
      observation: { kind: 'unused' },
      answer: { kind: 'claimed_failure' },
    });
  });

  test('if every backend is down', async () => {
    conduct['facilitator.test'] = conduct['second.test'] = () => new Response('', { status: 502 });
    expect(await settleUntilTheWaitEnds()).toMatchObject({ outcome: 'unknown' });
  });

  test('if the chain is down, without presenting', async () => {
    chain.state.down = true;
    expect(await settle()).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual([]);
  });

  test('if the chain goes down after presenting', async () => {
    conduct['facilitator.test'] = () => {
      chain.state.down = true;
      return answerWith({ success: true, transaction: chain.pay(payment) });
    };
    expect(await settleUntilTheWaitEnds()).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual(['facilitator.test']);
  });

  test('past validBefore by the clock, while no block is past it', async () => {
    const late = paymentNumber(1, { validBefore: BigInt(NOW + 5) });
    expect(await settle(late, 1, NOW + 500)).toMatchObject({ outcome: 'unknown' });
    expect(presented).toEqual([]);
  });

  test('if it is not valid yet, without presenting', async () => {
    expect(await settle(paymentNumber(1, { validAfter: BigInt(NOW) }))).toMatchObject({
      outcome: 'unknown',
      why: 'the authorization is not valid now',
    });
    expect(presented).toEqual([]);
  });
});

describe('final without a settlement', () => {
  test('released: unused, and a final block is past validBefore', async () => {
    chain.mine(NOW + 6);
    const late = paymentNumber(1, { validBefore: BigInt(NOW + 5) });
    expect(await settle(late, 1, NOW + 7)).toEqual({ outcome: 'released' });
    expect(presented).toEqual([]);
  });

  test('failed: the payer spent the nonce on another receiver', async () => {
    const logs = [usedLog(payment), transferLog(payment, { to: OTHER })];
    const transaction = chain.emit(logs, [payment.authorization.nonce]);
    expect(await settle()).toEqual({
      outcome: 'failed',
      fault: 'payer',
      reason: 'spent_otherwise',
      transaction,
    });
  });

  test('failed: the payer cancelled', async () => {
    chain.emit([canceledLog(payment)], [payment.authorization.nonce]);
    expect(await settle()).toMatchObject({ outcome: 'failed', reason: 'cancelled' });
    expect(presented).toEqual([]);
  });
});
