import { type Hex, parseEther, parseGwei } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { connectChain } from '../../../dev/stack/chain-access.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { readUnsigned } from '../../../src/settlement/relayer/transaction.ts';
import { type Bench, mine, openBench, payersOf, relayFrom, settledCalls } from './support.ts';
import { BURNER, setCode } from './wallets.ts';

/** This file's own chain: the tests make its blocks, so that they control what happens between them. */
const rpc = inject('manualRpc');
const chain = connectChain(rpc);

beforeEach(async () => {
  // One block resets the fees that the last test changed.
  await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
  await mine(chain);
});

const open = async (setup: Parameters<typeof openBench>[0] = {}): Promise<Bench> =>
  openBench({ rpc, ...setup });

const relaysOf = async (count: number): Promise<readonly Relay[]> =>
  Promise.all((await payersOf(chain, count)).map(async (payer) => relayFrom(payer)));

const callsOf = (relays: readonly Relay[]) => relays.map(({ call }) => call).toSorted();

/** Runs rounds with a block between them, until nothing is pending. */
const goOn = async (bench: Bench, most = 30): Promise<void> => {
  for (let round = 0; round < most; round += 1) {
    await bench.onAlarm();
    const { pending, flights, reports } = await bench.stored();
    if (pending.length + flights.length + reports.length === 0) return;
    await mine(chain);
    bench.ahead += 2;
  }
  throw new Error(`still pending after ${most} rounds`);
};

const balances = async (relays: readonly Relay[]): Promise<readonly bigint[]> =>
  Promise.all(relays.map(async ({ payment }) => chain.balanceOf(payment.authorization.from)));

/** Every broadcast transaction, by nonce. */
const watchSends = (bench: Bench): Map<number, Set<Hex>> => {
  const sent = new Map<number, Set<Hex>>();
  const before = bench.node.send;
  bench.node = {
    ...bench.node,
    send: async (raw) => {
      const { nonce, data } = readUnsigned(raw);
      sent.set(nonce, (sent.get(nonce) ?? new Set()).add(data));
      return before === undefined ? sendRaw(raw) : before(raw);
    },
  };
  return sent;
};

const sendRaw = async (serializedTransaction: Hex): Promise<string | undefined> => {
  try {
    await chain.client.sendRawTransaction({ serializedTransaction });
    return undefined;
  } catch (cause) {
    return String(cause);
  }
};

const flightsOf = async (bench: Bench) => (await bench.stored()).flights;

describe('an object that dies', () => {
  const die = (): never => {
    throw new Error('the object is gone');
  };

  test.for([
    [
      'before it has stored a transaction',
      (bench: Bench) => (bench.setup = { sign: async () => die() }),
    ],
    [
      'after it has stored one, before it is broadcast',
      (bench: Bench) => (bench.node = { send: async () => die() }),
    ],
    [
      'after the broadcast, before it has noted that',
      (bench: Bench) =>
        (bench.node = {
          send: async (raw) => {
            await sendRaw(raw);
            return die();
          },
        }),
    ],
    [
      'before it has read the receipt',
      (bench: Bench) => (bench.node = { query: async () => die() }),
    ],
    [
      'before it has notified an account',
      (bench: Bench) => (bench.subscribers = { notify: async () => die() }),
    ],
    [
      'after it has notified an account, before it has noted that',
      (bench: Bench) =>
        (bench.subscribers = {
          notify: async (account, results) => {
            bench.notified.push({ account, results });
            return die();
          },
        }),
    ],
    [
      'before it has recorded the transaction',
      (bench: Bench) => (bench.subscribers = { recordRelay: async () => die() }),
    ],
  ] as const)('%s goes on where it was', async ([, prepare]) => {
    const bench = await open();
    const relays = await relaysOf(3);
    await bench.relay(relays);
    prepare(bench);
    const sent = watchSends(bench);
    await bench.onAlarm();
    // Whatever failed, its alarm is set again.
    expect(await bench.alarm()).not.toBeNull();
    await mine(chain);
    await bench.onAlarm();
    const left = await bench.stored();
    const isDone = left.pending.length + left.flights.length + left.reports.length === 0;
    expect((await bench.alarm()) === null).toBe(isDone);
    await bench.crash();
    bench.setup = {};
    bench.subscribers = {};
    bench.node = {};
    const again = watchSends(bench);
    await goOn(bench);
    expect([...new Set(settledCalls(bench))].toSorted()).toEqual(callsOf(relays));
    expect(await balances(relays)).toEqual([9_000n, 9_000n, 9_000n]);
    expect(bench.recorded.length).toBeGreaterThanOrEqual(1);
    expect(new Set(bench.recorded.map(({ hash }) => hash)).size).toBe(1);
    // One nonce and one payload, before and after the restart.
    const payloads = [...sent, ...again].flatMap(([, datas]) => [...datas]);
    expect(new Set(payloads).size).toBe(1);
  });
});

describe('a payment that is marked as bound', () => {
  test.each([
    ['alone', [BOUND_VALID_AFTER]],
    ['beside others', [BOUND_VALID_AFTER, 0n, BOUND_VALID_AFTER, BOUND_VALID_AFTER + 255n]],
  ])('is settled as any other: %s', async (_, marks) => {
    const bench = await open();
    const payers = await payersOf(chain, marks.length);
    const relays = await Promise.all(
      payers.map(async (payer, at) => relayFrom(payer, { validAfter: marks[at] ?? 0n })),
    );
    expect(await bench.relay(relays)).toEqual(marks.map(() => 'taken'));
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
    expect(await balances(relays)).toEqual(marks.map(() => 9_000n));
  });
});

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
    await goOn(bench);
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
      await goOn(bench);
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
    await goOn(bench);
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
    await goOn(bench);
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
    // The receipt may be late: the transaction is not given up yet, and its payments are in no other one.
    expect(await flightsOf(bench)).toMatchObject([{ nonce: flight.nonce, keys: flight.keys }]);
    bench.ahead += 5;
    await bench.onAlarm();
    expect(await flightsOf(bench)).toHaveLength(1);
    bench.ahead += 5;
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ nonce: flight.nonce + 1, keys: flight.keys }]);
    expect((await bench.status()).lastError?.text).toMatch(/foreign_nonce/);
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
  });
});

describe('a key that is exchanged', () => {
  test('drops its transactions, and their payments go into others; if both are mined, each payment moves once', async () => {
    const bench = await open();
    const relays = await relaysOf(2);
    await bench.relay(relays);
    await bench.onAlarm();
    const [old] = await flightsOf(bench);
    await bench.rekey();
    await bench.onAlarm();
    const [next] = await flightsOf(bench);
    expect(next?.keys.toSorted()).toEqual(old?.keys.toSorted());
    expect(next?.raw).not.toBe(old?.raw);
    // The old transaction is the first in the block.
    await goOn(bench);
    expect(await balances(relays)).toEqual([9_000n, 9_000n]);
    const again = await relaysOf(1);
    await bench.relay(again);
    await goOn(bench);
    expect(await balances(again)).toEqual([9_000n]);
    // The nonces of the old key do not delay the next transaction either.
    await bench.rekey();
    const last = await relaysOf(1);
    await bench.relay(last);
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ nonce: 0 }]);
    await goOn(bench);
    expect(settledCalls(bench)).toEqual(expect.arrayContaining(callsOf(last)));
  });
});

describe('transactions', () => {
  test('in flight are four at most, however many payments wait', async () => {
    const bench = await open({ setup: { batch: 2 } });
    const relays = await relaysOf(12);
    await bench.relay(relays);
    await bench.onAlarm();
    await bench.onAlarm();
    expect((await flightsOf(bench)).map(({ keys }) => keys.length)).toEqual([2, 2, 2, 2]);
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
    expect(bench.recorded).toHaveLength(6);
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
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
  });

  test('behind a nonce that a deep reorganisation has freed are not stuck forever', async () => {
    const bench = await open();
    const [first, second] = await relaysOf(2);
    if (first === undefined || second === undefined) throw new Error('no relays');
    const snapshot = await chain.client.snapshot();
    await bench.relay([first]);
    await goOn(bench);
    await bench.relay([second]);
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ nonce: 1 }]);
    await chain.client.revert({ id: snapshot });
    await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
    await mine(chain, 3);
    await bench.onAlarm();
    // The node may lag behind.
    expect(await flightsOf(bench)).toHaveLength(1);
    bench.ahead += 61;
    await bench.onAlarm();
    expect((await flightsOf(bench)).map(({ nonce, keys }) => [nonce, keys.length])).toEqual([
      [0, 0],
      [1, 1],
    ]);
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf([first, second]));
    expect(await chain.balanceOf(second.payment.authorization.from)).toBe(9_000n);
  });

  test('are not signed for a nonce that a lagging node reports as free', async () => {
    const bench = await open();
    const [first, second] = await relaysOf(2);
    if (first === undefined || second === undefined) throw new Error('no relays');
    await bench.relay([first]);
    await goOn(bench);
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
    await goOn(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf([first, second]));
  });
});

describe('a payer that gets gas-burning code between broadcast and block', () => {
  test('keeps no other payment from settling, and no other payer is refused for it', async () => {
    const bench = await open();
    const relays = await relaysOf(24);
    await bench.relay(relays);
    await bench.onAlarm();
    expect(await flightsOf(bench)).toMatchObject([{ keys: { length: 24 } }]);
    const poison = relays[5];
    if (poison === undefined) throw new Error('no relay');
    await setCode(chain, poison.payment.authorization.from, BURNER);
    await mine(chain);
    const others = relays.filter((one) => one !== poison);
    for (let round = 0; round < 20 && settledCalls(bench).length < others.length; round += 1) {
      await bench.onAlarm();
      await mine(chain);
      bench.ahead += 2;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(others));
    expect(await bench.relay([poison])).toEqual(['refused']);
    // It has burnt the gas of one batch; later batches were smaller.
    const [burnt, ...rest] = bench.recorded;
    expect(burnt?.gasUsed).toBeGreaterThan(2_000_000);
    expect(rest.every(({ payments }) => payments <= 10)).toBe(true);
    expect((await bench.stored()).pending.map(({ call }) => call)).toEqual([poison.call]);
  });
});

describe('a payment that fails its trial', () => {
  test('is reported to its account with the reason, at once', async () => {
    const bench = await open();
    const [honest, payer] = await payersOf(chain, 2);
    if (honest === undefined || payer === undefined) throw new Error('no payers');
    const relays = [await relayFrom(honest), await relayFrom(payer)];
    await setCode(chain, payer.address, '0x00');
    await bench.relay(relays);
    await bench.onAlarm();
    await vi.waitUntil(() => bench.notified.length > 0, { timeout: 5_000 });
    expect(bench.notified[0]).toEqual({
      account: relays[1]?.account,
      results: [{ call: relays[1]?.call, outcome: 'bounced', reason: 'code', backend: 'relayer' }],
    });
  });
});
