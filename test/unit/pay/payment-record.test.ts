import { describe, expect, it } from 'vitest';
import { memoryShelf, type Shelf } from '../../../src/client/shelf.ts';
import {
  keepOutcome,
  type PaymentRecord,
  paymentsIn,
  recordKey,
} from '../../../src/pay/payment-record.ts';

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

const KEY = recordKey('lookup');

const kept = async (shelf: Shelf): Promise<PaymentRecord | undefined> => {
  const slot = await paymentsIn(shelf).look(KEY);
  return 'request' in slot ? slot.request : undefined;
};

describe('the payment that a tab remembers', () => {
  it('is the same after a reload, without its answer and with it', async () => {
    const shelf = memoryShelf();
    await paymentsIn(shelf).keep(KEY, SENT);
    expect(await paymentsIn(shelf).look(KEY)).toEqual({ is: 'undecided', request: SENT });
    await keepOutcome(shelf, 'lookup', ANSWERED);
    expect(await paymentsIn(shelf).look(KEY)).toEqual({ is: 'over', request: ANSWERED });
    expect(await paymentsIn(shelf).look(recordKey('other'))).toEqual({ is: 'free' });
  });

  it('keeps the payment without an answer that is too large', async () => {
    const shelf = memoryShelf();
    const outcome = {
      ...(ANSWERED.outcome as NonNullable<PaymentRecord['outcome']>),
      body: new Uint8Array(300_000),
    };
    await keepOutcome(shelf, 'lookup', { ...SENT, outcome });
    expect((await kept(shelf))?.outcome).toMatchObject({ status: 200, body: undefined });
  });

  it.each(['', '{', [], { at: 1 }, { at: 1, call: 'x' }])(
    'ignores what it did not write: %j',
    async (value) => {
      expect(await kept(memoryShelf(new Map([[KEY, value]])))).toBeUndefined();
    },
  );
});
