import type { Hex } from 'viem';
import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../src/protocol/payment.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import { UPTO_PROXY } from '../../../src/protocol/x402/permit2.ts';
import { freshPayer } from '../../unit/settlement/real-chain.ts';
import {
  approvedPayer,
  cancelPermit,
  CHARGE,
  MOST,
  permitFrom,
  sendSettlement,
} from '../../unit/settlement/real-permits.ts';
import {
  alarmUntilIdle,
  type Bench,
  callsOf,
  openBench,
  payersOf,
  relayFrom,
  relayOf,
  settle,
} from './support.ts';

const open = async () => {
  const bench = await openBench();
  const payer = await approvedPayer();
  const permit = async (charge = CHARGE): Promise<Relay> =>
    relayOf(await permitFrom(payer, bench.address, { charge }));
  return { bench, payer, permit };
};

const transactionsOf = async (bench: Bench) =>
  Promise.all(bench.recorded.map(async ({ hash }) => bench.chain.client.getTransaction({ hash })));

describe('a permit', () => {
  test('settles 1,260 of 100,000 in a call of the proxy, and its account is notified', async () => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    expect(await bench.relay([relay])).toEqual(['taken']);
    expect(await settle(bench)).toEqual(callsOf([relay]));
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
    expect(await transactionsOf(bench)).toMatchObject([{ to: UPTO_PROXY }]);
    expect(bench.recorded[0]?.gasUsed).toBeLessThan(125_000);
    expect(bench.events).toMatchObject([
      { event: 'relay_mined', payments: 1 },
      { event: 'payment_settled', amount: CHARGE },
    ]);
  });

  test('settles once, however often it is presented', async () => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    expect(await bench.relay([relay, relay])).toEqual(['taken', 'taken']);
    await settle(bench);
    // The account presents it again, because the answer was lost.
    await bench.relay([relay]);
    await alarmUntilIdle(bench);
    expect(bench.recorded).toHaveLength(1);
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
  });

  test('of a payer without allowance and ether settles with its approval', async () => {
    const bench = await openBench();
    const payer = await freshPayer(MOST);
    await bench.chain.client.setBalance({ address: payer.address, value: 0n });
    const relay = relayOf(await permitFrom(payer, bench.address, { charge: CHARGE }));
    expect(relay.payment.permit?.approval).toBeDefined();
    await bench.relay([relay]);
    expect(await settle(bench)).toEqual(callsOf([relay]));
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
    expect(bench.recorded[0]?.gasUsed).toBeLessThan(180_000);
  });

  test('goes in a transaction of its own, next to a batch of others', async () => {
    const { bench, permit } = await open();
    const permits = [await permit(1n), await permit(2n)];
    const payers = await payersOf(bench.chain, 3);
    const others = await Promise.all(payers.map(async (one) => relayFrom(one)));
    await bench.relay([permits[0] as Relay, ...others, permits[1] as Relay]);
    expect(await settle(bench)).toEqual(callsOf([...permits, ...others]));
    const counts = bench.recorded.map(({ payments }) => payments);
    expect(counts.toSorted((one, other) => one - other)).toEqual([1, 1, 3]);
  });

  test('with the payer and nonce of an authorization is another payment', async () => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    const { nonce } = relay.payment.authorization;
    const twin = await relayFrom(payer, { nonce });
    expect(await bench.relay([relay, twin])).toEqual(['taken', 'taken']);
    await settle(bench);
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE - 1_000n);
  });

  test('that its payer cancelled is dropped, and its account looks at the chain', async () => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    await cancelPermit(payer, relay.payment);
    await bench.relay([relay]);
    await alarmUntilIdle(bench);
    expect(bench.recorded).toEqual([]);
    expect(bench.notified).toEqual([]);
  });

  test('without an allowance bounces, and is refused to other attempts', async () => {
    const bench = await openBench();
    const payer = await freshPayer(MOST);
    const { permit: _, ...made } = await permitFrom(payer, bench.address, { charge: CHARGE });
    const payment: Payment = { ...made, permit: { facilitator: bench.address } };
    expect(await bench.relay([relayOf(payment)], true)).toEqual(['refused']);
    await expect
      .poll(() => bench.notified)
      .toMatchObject([{ results: [{ outcome: 'bounced', reason: 'refused' }] }]);
    expect(bench.recorded).toEqual([]);
  });
});

describe('is not taken', () => {
  const changed = async (change: (payment: Payment) => Partial<Payment>) => {
    const { bench, permit } = await open();
    const relay = await permit();
    const payment = { ...relay.payment, ...change(relay.payment) };
    const verdicts = await bench.relay([{ ...relay, payment }]);
    expect((await bench.stored()).pending).toEqual([]);
    return verdicts;
  };

  test.for<[string, (payment: Payment) => Partial<Payment>]>([
    ['a charge above the maximum', () => ({ charge: MOST + 1n })],
    ['a charge of nothing', () => ({ charge: 0n })],
    ['a negative charge', () => ({ charge: -1n })],
    ['a permit for another sender', () => ({ permit: { facilitator: UPTO_PROXY } })],
  ])('%s', async ([, change]) => {
    expect(await changed(change)).toEqual(['unsupported']);
  });

  test('an authorization with a charge', async () => {
    const { bench, payer } = await open();
    const relay = await relayFrom(payer);
    const payment = { ...relay.payment, charge: 999n };
    expect(await bench.relay([{ ...relay, payment }])).toEqual(['unsupported']);
  });

  test('another charge of a known permit', async () => {
    const { bench, permit } = await open();
    const relay = await permit();
    await bench.relay([relay]);
    const payment = { ...relay.payment, charge: CHARGE + 1n };
    expect(await bench.relay([{ ...relay, payment }])).toEqual(['refused']);
  });
});

describe('an object that dies', () => {
  const die = (): never => {
    throw new Error('the object is gone');
  };

  test.for<[string, (bench: Bench) => unknown]>([
    ['before it has stored a transaction', (bench) => (bench.setup = { sign: async () => die() })],
    ['before it is broadcast', (bench) => (bench.node = { send: async () => die() })],
    [
      'after the broadcast, before it has noted that',
      (bench) =>
        (bench.node = {
          send: async (raw: Hex) => {
            await bench.chain.client.sendRawTransaction({ serializedTransaction: raw });
            return die();
          },
        }),
    ],
    ['before it has read the receipt', (bench) => (bench.node = { query: async () => die() })],
  ])('%s settles the permit once after a restart', async ([, prepare]) => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    prepare(bench);
    // A request waits, so the object sends at once.
    await bench.relay([relay], true).catch(() => undefined);
    await bench.crash();
    [bench.setup, bench.node] = [{}, {}];
    // The account presents it again meanwhile.
    await bench.relay([relay]);
    expect(await settle(bench)).toEqual(callsOf([relay]));
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
    expect(bench.recorded).toHaveLength(1);
  });

  test('moves nothing again if its permit was settled with its key meanwhile', async () => {
    const { bench, payer, permit } = await open();
    const relay = await permit();
    await bench.relay([relay]);
    await bench.crash();
    const { privateKeyToAccount } = await import('viem/accounts');
    await sendSettlement(privateKeyToAccount(bench.key), relay.payment);
    await alarmUntilIdle(bench);
    expect(bench.recorded).toEqual([]);
    expect(await bench.chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
  });
});
