import { describe, expect, it } from 'vitest';
import {
  forgetPayment,
  keepPayment,
  type PaymentRecord,
  readPaymentRecord,
  recordKey,
} from '../../../src/pay/payment-record.ts';
import type { Shelf } from '../../../src/dashboard/payment/shelf.ts';

const shelfOf = (): Shelf & { readonly kept: Map<string, string> } => {
  const kept = new Map<string, string>();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
};

const SENT: PaymentRecord = {
  at: 1_795_791_600,
  wallet: 'example.wallet',
  payer: `0x${'1'.repeat(40)}`,
  network: 'eip155:84532',
  call: `0x${'2'.repeat(64)}`,
  amount: 20_000n,
  pays: 'payment',
};

const ANSWERED: PaymentRecord = {
  ...SENT,
  outcome: {
    status: 200,
    paid: 'payment',
    charged: 20_000n,
    credited: 0n,
    transaction: `0x${'3'.repeat(64)}`,
    receipt: { token: 'a.b.c' },
    contentType: 'application/json',
    body: new TextEncoder().encode('{"a":1}') as Uint8Array<ArrayBuffer>,
  },
};

describe('the payment that a tab remembers', () => {
  it.each([SENT, ANSWERED])('is the same after a reload', (record) => {
    const shelf = shelfOf();
    keepPayment(shelf, 'lookup', record);
    expect(readPaymentRecord(shelf, 'lookup')).toEqual(record);
    expect(readPaymentRecord(shelf, 'other')).toBeUndefined();
    forgetPayment(shelf, 'lookup');
    expect(readPaymentRecord(shelf, 'lookup')).toBeUndefined();
  });

  it('keeps the payment without an answer that is too large', () => {
    const shelf = shelfOf();
    const outcome = {
      ...(ANSWERED.outcome as NonNullable<PaymentRecord['outcome']>),
      body: new Uint8Array(300_000),
    };
    keepPayment(shelf, 'lookup', { ...SENT, outcome });
    expect(readPaymentRecord(shelf, 'lookup')?.outcome).toMatchObject({
      status: 200,
      body: undefined,
    });
  });

  it.each(['', '{', '[]', '{"at":1}', '{"at":1,"call":"x"}'])(
    'ignores what it did not write: %j',
    (text) => {
      const shelf = shelfOf();
      shelf.setItem(recordKey('lookup'), text);
      expect(readPaymentRecord(shelf, 'lookup')).toBeUndefined();
    },
  );

  it('works in a browser that keeps nothing', () => {
    const refusing = (): never => {
      throw new Error('SecurityError');
    };
    const shelf = { getItem: refusing, setItem: refusing, removeItem: refusing };
    keepPayment(shelf, 'lookup', SENT);
    forgetPayment(shelf, 'lookup');
    expect(readPaymentRecord(shelf, 'lookup')).toBeUndefined();
  });
});
