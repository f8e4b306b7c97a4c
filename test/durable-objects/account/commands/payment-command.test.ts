import { loadCall } from '../../../../durable-objects/account/call/stored-call.ts';
import {
  applyLabel,
  changed,
  intentOf,
  lastEntry,
  openPayment,
  operator,
  redrive,
  refused,
  writeOff,
} from './command-support.ts';
import { callOf, factsOf, onDisk, purseOf, randomHex, snapshotOf, stubOf } from '../../support.ts';
import { pass, restore } from '../../tree-support.ts';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { collectSettlements } from '../../sent-messages.ts';

afterEach(restore);

describe('a write-off', () => {
  test('is refused until the authorization has expired, and leaves no debt', async () => {
    const { payer, call, until, signature } = await openPayment();
    expect(await purseOf(payer)).toMatchObject({ unsettled: '1000', settled: '10000' });
    pass(3_000);
    expect(await writeOff(payer, call)).toMatchObject({
      verdict: 'refused',
      fault: {
        reason: 'not_writable',
        hint: expect.stringContaining(String(until + 30)) as string,
      },
    });
    pass(615);
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
    pass(20);
    const order = intentOf();
    const written = await writeOff(payer, call, order);
    expect(written).toMatchObject(changed);
    expect(await purseOf(payer)).toMatchObject({ unsettled: '0', credit: '0', settled: '9000' });
    expect(await lastEntry(payer)).toMatchObject({
      type: 'payment.failed',
      call,
      amounts: { amount: '1000' },
      payment: { fault: 'gateway', reason: 'written_off' },
      outcome: { reason: 'lost key' },
      evidence: {
        order: order.fields,
        signature: order.signature,
        paymentSignature: signature,
        by: operator.account,
      },
    });
    expect((await snapshotOf(payer)).open).toBe(0);
    // The account erases a payment's signature when the payment has ended.
    const record = await onDisk(payer, (disk) => loadCall(disk, call));
    expect(record?.held?.signature).toBeUndefined();
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
  });

  test('is refused without an open payment', async () => {
    const { payer, call } = await openPayment();
    expect(await writeOff(payer, randomHex(32))).toEqual(refused('unknown_call'));
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    pass(4_000);
    expect(await writeOff(payer, call)).toMatchObject(refused('not_writable'));
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(100_000n, 13) });
    expect(await writeOff(payer, running.id)).toMatchObject(refused('not_writable'));
  });
});

describe('a redrive of a settlement', () => {
  /** A busy account sends a second late, and a slow machine takes longer. */
  const PATIENCE = { timeout: 30_000 };

  test('sends a message to the queue, and adds an entry', async () => {
    const { payer, call } = await openPayment();
    await stubOf(payer).settled([{ call, outcome: 'sent', backend: 'test' }]);
    const sent = await collectSettlements(payer);
    await applyLabel(payer, operator, 'nothing to do with it');
    expect(sent).toEqual([]);
    expect(await redrive(payer, call)).toMatchObject(changed);
    await vi.waitFor(() => expect(sent).toMatchObject([{ call }]), PATIENCE);
    expect(await lastEntry(payer)).toMatchObject({
      type: 'settlement.redriven',
      call,
      payment: { state: 'sent' },
      evidence: { by: operator.account },
    });
    expect(await redrive(payer, call)).toMatchObject(changed);
    await vi.waitFor(() => expect(sent).toMatchObject([{ call }, { call }]), PATIENCE);
  });

  test('is refused without an open payment', async () => {
    const { payer, call } = await openPayment();
    const running = callOf(payer, { price: 500n });
    await stubOf(payer).reserve(running, randomHex(16), { facts: factsOf(100_000n, 13) });
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    const sent = await collectSettlements(payer);
    expect(await redrive(payer, randomHex(32))).toEqual(refused('unknown_call'));
    for (const each of [call, running.id]) {
      expect(await redrive(payer, each)).toMatchObject(refused('not_writable'));
    }
    // The account does not redrive an upfront payment until the payment's own request must have timed out.
    const first = callOf(payer, { price: 500n, settlement: 'upfront' });
    const verdict = await stubOf(payer).reserve(first, randomHex(16), {
      facts: factsOf(100_000n, 14),
    });
    expect(verdict.verdict).toBe('settle');
    expect(await redrive(payer, first.id)).toMatchObject(refused('not_writable'));
    expect(sent).toEqual([]);
    pass(100);
    expect(await redrive(payer, first.id)).toMatchObject(changed);
    await vi.waitFor(
      () => expect(sent).toContainEqual(expect.objectContaining({ call: first.id })),
      PATIENCE,
    );
  });
});
