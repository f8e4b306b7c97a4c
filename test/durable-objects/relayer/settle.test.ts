import { parseEther } from 'viem';
import { describe, expect, test } from 'vitest';
import { submitAuthorization } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { payTo } from '../../unit/settlement/real-chain.ts';
import { openBench, payersOf, relayFrom, alarmUntilIdle, callsOf, settle } from './support.ts';
import { walletPayment } from './wallets.ts';

describe('settles', () => {
  test.for([1, 2, 20, 100])('%i payments of as many payers in one transaction', async (count) => {
    const bench = await openBench();
    const payers = await payersOf(bench.chain, count);
    const relays = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    const before = await bench.chain.balanceOf(payTo);
    expect(await bench.relay(relays)).toEqual(relays.map(() => 'taken'));
    expect(await settle(bench)).toEqual(callsOf(relays));
    for (const { address } of payers) expect(await bench.chain.balanceOf(address)).toBe(9_000n);
    // Other test files pay the same payee.
    expect(await bench.chain.balanceOf(payTo)).toBeGreaterThanOrEqual(
      before + 1_000n * BigInt(count),
    );
    expect(bench.recorded).toMatchObject([{ payments: count }]);
    const gas = (bench.recorded[0]?.gasUsed ?? 0) / count;
    expect(gas).toBeLessThan({ 1: 105_000, 2: 75_000, 20: 53_000, 100: 51_500 }[count] ?? 0);
    expect(bench.events).toMatchObject([
      { event: 'relay_mined', payments: count },
      ...relays.map(() => ({ event: 'payment_settled', amount: 1_000n })),
    ]);
    expect(await bench.status()).toMatchObject({
      waiting: 0,
      flights: [],
      totals: { transactions: 1, payments: count, replaced: 0 },
    });
  });

  test('many payments of one payer, and notifies each account of its own', async () => {
    const bench = await openBench();
    const [one, other] = await payersOf(bench.chain, 2);
    if (one === undefined || other === undefined) throw new Error('no payers');
    const relays = await Promise.all([one, one, one, other].map(async (payer) => relayFrom(payer)));
    await bench.relay(relays);
    expect(await settle(bench)).toEqual(callsOf(relays));
    expect(new Set(bench.notified.map(({ results }) => results.length))).toEqual(new Set([1, 3]));
    expect(await bench.chain.balanceOf(one.address)).toBe(7_000n);
  });

  test('payments of contract wallets in transactions of their own', async () => {
    const bench = await openBench();
    const wallet = await walletPayment(bench.chain);
    const relays = await Promise.all(
      (await payersOf(bench.chain, 3)).map(async (payer) => relayFrom(payer)),
    );
    await bench.relay([wallet, ...relays]);
    expect(await settle(bench)).toEqual(callsOf([wallet, ...relays]));
    expect(new Set(bench.recorded.map(({ payments }) => payments))).toEqual(new Set([1, 3]));
    expect(await bench.chain.balanceOf(wallet.payment.authorization.from)).toBe(9_000n);
  });

  test('a payment at once that a request waits for, whatever the configured wait', async () => {
    const bench = await openBench({ setup: { wait: 60 } });
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const [first, second] = [await relayFrom(payer), await relayFrom(payer)];
    await bench.relay([first]);
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    expect(await bench.relay([second], true)).toEqual(['taken']);
    expect((await bench.stored()).flights).toMatchObject([{ keys: { length: 2 } }]);
    expect(await settle(bench)).toEqual(callsOf([first, second]));
  });

  test('with one row for all payments of a message and ten per transaction', async () => {
    const bench = await openBench();
    // The first payment creates the tables, which must not count.
    const [first, ...payers] = await payersOf(bench.chain, 101);
    if (first === undefined) throw new Error('no payer');
    await bench.relay([await relayFrom(first)]);
    await alarmUntilIdle(bench);
    const before = bench.rows();
    await bench.relay(await Promise.all(payers.map(async (payer) => relayFrom(payer))));
    await alarmUntilIdle(bench);
    expect(bench.recorded.at(-1)?.payments).toBe(100);
    expect(bench.rows() - before).toBeLessThanOrEqual(1 + 10);
    // A single payment costs as many rows as a whole transaction.
    const [alone] = payers;
    if (alone === undefined) throw new Error('no payer');
    const then = bench.rows();
    await bench.relay([await relayFrom(alone)]);
    await alarmUntilIdle(bench);
    expect(bench.rows() - then).toBeLessThanOrEqual(12);
  });
});

describe('settles a payment once', () => {
  test('however often and whenever it is presented', async () => {
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const relay = await relayFrom(payer);
    expect(await bench.relay([relay, relay])).toEqual(['taken', 'taken']);
    expect((await bench.stored()).pending).toHaveLength(1);
    await bench.onAlarm();
    // The payment is in a transaction.
    expect((await bench.stored()).flights).toHaveLength(1);
    expect(await bench.relay([relay])).toEqual(['taken']);
    // The payment has settled, and its account cannot be notified yet.
    bench.subscribers = { notify: async () => false };
    await bench.onAlarm();
    expect((await bench.stored()).reports).toHaveLength(1);
    expect(await bench.relay([relay])).toEqual(['taken']);
    expect((await bench.stored()).pending).toEqual([]);
    bench.subscribers = {};
    expect(await settle(bench)).toEqual([relay.call]);
    // The relayer has forgotten the payment, but the chain shows that its nonce is used.
    expect(await bench.relay([relay])).toEqual(['taken']);
    expect(await settle(bench)).toEqual([relay.call]);
    expect(await bench.chain.balanceOf(payer.address)).toBe(9_000n);
    expect(bench.recorded).toHaveLength(1);
  });

  test('also if another party has presented it first: its account is not notified, and other payments settle', async () => {
    const bench = await openBench();
    const [stranger, ...payers] = await payersOf(bench.chain, 4);
    if (stranger === undefined) throw new Error('no payer');
    await bench.chain.client.setBalance({ address: stranger.address, value: parseEther('1') });
    const relays = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    await bench.relay(relays);
    const [taken, ...others] = relays;
    if (taken === undefined) throw new Error('no relay');
    await submitAuthorization({
      client: bench.chain.client,
      sender: stranger,
      token: usdc,
      signed: taken.payment,
    });
    expect(await settle(bench)).toEqual(callsOf(others));
    expect(bench.recorded).toMatchObject([{ payments: 2 }]);
  });
});

describe('gas between the limit and four times it', () => {
  test('is paid for a payment near its deadline, and for no other', async () => {
    const bench = await openBench();
    const [payer, other] = await payersOf(bench.chain, 2);
    if (payer === undefined || other === undefined) throw new Error('no payers');
    const now = Math.floor(Date.now() / 1000);
    const near = await relayFrom(payer, { validBefore: BigInt(now + 300) });
    const far = await relayFrom(other);
    await bench.relay([near, far]);
    const price = await bench.chain.client.getGasPrice();
    const dear = await openBench({ setup: { maxFeePerGas: price / 2n, wait: 0 } });
    expect(await dear.relay([far])).toEqual(['taken']);
    // The relayer took this payment while gas was cheap.
    dear.node = {
      facts: async () => ({
        head: { number: 1, timestamp: now },
        market: { baseFee: 1n, tip: 1n },
        count: 0,
        balance: parseEther('1'),
        blockGas: 30_000_000,
      }),
    };
    dear.ahead = 16;
    expect(await dear.relay([near])).toEqual(['taken']);
    dear.node = {};
    dear.ahead = 150;
    await dear.onAlarm();
    expect((await dear.stored()).flights).toHaveLength(0);
    dear.ahead = 181;
    await dear.onAlarm();
    const { flights, pending } = await dear.stored();
    expect(flights).toMatchObject([{ keys: { length: 1 } }]);
    expect(flights[0]?.keys).toEqual([pending.find(({ call }) => call === near.call)?.key]);
    expect(flights[0]?.attempts[0].maxFeePerGas).toBeLessThanOrEqual((price / 2n) * 4n);
  });
});
