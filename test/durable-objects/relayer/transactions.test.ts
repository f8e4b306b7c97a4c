import { parseEther, parseGwei } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeEach, describe, expect, inject, test } from 'vitest';
import { mine, settledCalls } from './support.ts';
import { callsOf, flightsOf, openMinedChain } from './mined-chain.ts';

const { chain, open, relaysOf, finish, balances, sendRaw, watchSends, resetFees } = openMinedChain(
  inject('manualRpc'),
);

beforeEach(resetFees);

describe('a transaction', () => {
  test('that the node has dropped is broadcast again with the same bytes', async () => {
    const bench = await open();
    const relays = await relaysOf(2);
    await bench.relay(relays);
    await bench.onAlarm();
    const [flight] = await flightsOf(bench);
    if (flight === undefined) throw new Error('no flight');
    await chain.client.dropTransaction({ hash: flight.attempts[0].hash });
    bench.ahead += 4;
    await bench.onAlarm();
    await mine(chain);
    expect(await balances(relays)).toEqual([10_000n, 10_000n]);
    bench.ahead += 4;
    await finish(bench);
    expect(await balances(relays)).toEqual([9_000n, 9_000n]);
    expect(bench.recorded).toMatchObject([{ hash: flight.attempts[0].hash }]);
  });

  const spike = async (gwei: string, blocks: number): Promise<void> => {
    for (let block = 0; block < blocks; block += 1) {
      await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei(gwei) });
      await mine(chain);
    }
  };

  test('that is stuck is replaced with the same nonce and calls and higher fees; whichever is mined counts', async () => {
    for (const mined of ['the new one', 'the old one'] as const) {
      const bench = await open();
      const relays = await relaysOf(2);
      await bench.relay(relays);
      const sent = watchSends(bench);
      await bench.onAlarm();
      const [before] = await flightsOf(bench);
      if (before === undefined) throw new Error('no flight');
      await spike('20', 2);
      await bench.onAlarm();
      // Two blocks are not enough.
      expect((await flightsOf(bench))[0]?.attempts).toHaveLength(1);
      await spike('20', 1);
      await bench.onAlarm();
      const [flight] = await flightsOf(bench);
      const [old, next] = flight?.attempts ?? [];
      if (old === undefined || next === undefined) throw new Error('not replaced');
      expect(next.maxFeePerGas * 8n).toBeGreaterThanOrEqual(old.maxFeePerGas * 9n);
      expect(next.maxPriorityFeePerGas * 8n).toBeGreaterThanOrEqual(old.maxPriorityFeePerGas * 9n);
      expect(next.maxFeePerGas).toBeGreaterThan(parseGwei('17'));
      expect(sent.size).toBe(1);
      expect([...sent.values()].map(({ size }) => size)).toEqual([1]);
      await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
      if (mined === 'the old one') {
        await chain.client.dropTransaction({ hash: next.hash });
        await sendRaw(before.raw);
      }
      await mine(chain);
      await finish(bench);
      expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
      const hash = mined === 'the old one' ? old.hash : next.hash;
      expect(bench.recorded).toMatchObject([{ hash, payments: 2 }]);
      expect((await bench.status()).totals).toMatchObject({ replaced: 1, payments: 2 });
    }
  });

  test('is not replaced while the chain makes no blocks, nor above the limit, and is mined when gas falls', async () => {
    const bench = await open({ setup: { maxFeePerGas: parseGwei('10') } });
    const relays = await relaysOf(1);
    await bench.relay(relays);
    await bench.onAlarm();
    bench.ahead += 300;
    await bench.onAlarm();
    expect((await flightsOf(bench))[0]?.attempts).toHaveLength(1);
    await spike('20', 4);
    await bench.onAlarm();
    expect((await flightsOf(bench))[0]?.attempts).toHaveLength(1);
    await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
    await mine(chain);
    await finish(bench);
    expect(settledCalls(bench)).toEqual(callsOf(relays));
  });

  test('whose block is reorganised away is broadcast again, and no account was notified before it was final', async () => {
    const bench = await open({ setup: { confirmations: 3 } });
    const relays = await relaysOf(2);
    await bench.relay(relays);
    const snapshot = await chain.client.snapshot();
    await bench.onAlarm();
    await mine(chain);
    await bench.onAlarm();
    expect((await bench.status()).flights).toMatchObject([{ block: expect.any(Number) }]);
    await mine(chain);
    await bench.onAlarm();
    expect(bench.notified).toEqual([]);
    await chain.client.revert({ id: snapshot });
    expect(await balances(relays)).toEqual([10_000n, 10_000n]);
    // The fork is longer than the blocks that it replaces.
    await mine(chain, 3);
    await bench.onAlarm();
    expect((await bench.status()).flights[0]).not.toHaveProperty('block');
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
    expect(await balances(relays)).toEqual([9_000n, 9_000n]);
    expect(bench.recorded).toHaveLength(1);
  });

  test('whose nonce another process has used with our key passes its payments to another one', async () => {
    const bench = await open();
    const relays = await relaysOf(2);
    await bench.relay(relays);
    await bench.onAlarm();
    const [flight] = await flightsOf(bench);
    if (flight === undefined) throw new Error('no flight');
    await chain.client.sendTransaction({
      account: privateKeyToAccount(bench.key),
      to: bench.address,
      nonce: flight.nonce,
      gas: 21_000n,
      maxFeePerGas: parseGwei('30'),
      maxPriorityFeePerGas: parseGwei('20'),
    });
    await mine(chain);
    await bench.onAlarm();
    // The receipt may come late, so the relayer keeps the transaction and puts its payments into no other one.
    expect(await flightsOf(bench)).toMatchObject([{ nonce: flight.nonce, keys: flight.keys }]);
    bench.ahead += 5;
    await bench.onAlarm();
    expect(await flightsOf(bench)).toHaveLength(1);
    bench.ahead += 5;
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ nonce: flight.nonce + 1, keys: flight.keys }]);
    expect((await bench.status()).lastError?.text).toMatch(/foreign_nonce/);
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
  });
});

describe('transactions', () => {
  test('in flight are ten at most, however many payments wait', async () => {
    const bench = await open({ setup: { batch: 2 } });
    const relays = await relaysOf(24);
    await bench.relay(relays);
    await bench.onAlarm();
    await bench.onAlarm();
    const flights = await flightsOf(bench);
    expect(flights.map(({ keys }) => keys.length)).toEqual(Array.from({ length: 10 }, () => 2));
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
    expect(bench.recorded).toHaveLength(12);
  });

  test('that the node has lost are all broadcast again in the order of their nonces', async () => {
    const bench = await open({ setup: { batch: 1 } });
    const relays = await relaysOf(3);
    await bench.relay(relays);
    await bench.onAlarm();
    const flights = await flightsOf(bench);
    expect(flights).toHaveLength(3);
    for (const { attempts } of flights) {
      await chain.client.dropTransaction({ hash: attempts[0].hash });
    }
    const sent = watchSends(bench);
    bench.ahead += 8;
    await bench.onAlarm();
    expect([...sent.keys()]).toEqual(flights.map(({ nonce }) => nonce));
    await mine(chain);
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
  });

  test('behind a nonce that a deep reorganisation has freed are not stuck forever', async () => {
    const bench = await open();
    const [first, second] = await relaysOf(2);
    if (first === undefined || second === undefined) throw new Error('no relays');
    const snapshot = await chain.client.snapshot();
    await bench.relay([first]);
    await finish(bench);
    await bench.relay([second]);
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ nonce: 1 }]);
    await chain.client.revert({ id: snapshot });
    await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
    await mine(chain, 3);
    await bench.onAlarm();
    // The node may only be behind.
    expect(await flightsOf(bench)).toHaveLength(1);
    bench.ahead += 61;
    await bench.onAlarm();
    expect((await flightsOf(bench)).map(({ nonce, keys }) => [nonce, keys.length])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf([first, second]));
    expect(await chain.balanceOf(second.payment.authorization.from)).toBe(9_000n);
  });

  test('are not signed for a nonce that a lagging node reports as free', async () => {
    const bench = await open();
    const [first, second] = await relaysOf(2);
    if (first === undefined || second === undefined) throw new Error('no relays');
    await bench.relay([first]);
    await finish(bench);
    await bench.relay([second]);
    bench.node = {
      facts: async () => ({
        head: { number: 1, timestamp: 1 },
        market: { baseFee: parseGwei('1'), tip: 1n },
        count: 0,
        balance: parseEther('1'),
        blockGas: 30_000_000,
      }),
    };
    await bench.onAlarm();
    expect(await flightsOf(bench)).toEqual([]);
    bench.node = {};
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf([first, second]));
  });
});
