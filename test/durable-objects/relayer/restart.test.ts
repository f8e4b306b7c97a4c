import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { BOUND_VALID_AFTER } from '../../../src/protocol/intent/binding.ts';
import { type Bench, mine, payersOf, relayFrom, settledCalls } from './support.ts';
import { BURNER, setCode } from './wallets.ts';
import { callsOf, flightsOf, openMinedChain } from './mined-chain.ts';

const { chain, open, relaysOf, finish, balances, sendRaw, watchSends, resetFees } = openMinedChain(
  inject('restartRpc'),
);

beforeEach(resetFees);

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
  ] as const)('%s continues after a restart', async ([, prepare]) => {
    const bench = await open();
    const relays = await relaysOf(3);
    await bench.relay(relays);
    prepare(bench);
    const sent = watchSends(bench);
    await bench.onAlarm();
    // The relayer sets its alarm again after every failure.
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
    await finish(bench);
    expect([...new Set(settledCalls(bench))].toSorted()).toEqual(callsOf(relays));
    expect(await balances(relays)).toEqual([9_000n, 9_000n, 9_000n]);
    expect(bench.recorded.length).toBeGreaterThanOrEqual(1);
    expect(new Set(bench.recorded.map(({ hash }) => hash)).size).toBe(1);
    // All broadcasts before and after the restart have one nonce and one payload.
    const payloads = [...sent, ...again].flatMap(([, datas]) => [...datas]);
    expect(new Set(payloads).size).toBe(1);
  });
});

describe('a payment that is marked as bound', () => {
  test.each([
    ['alone', [BOUND_VALID_AFTER]],
    ['among others', [BOUND_VALID_AFTER, 0n, BOUND_VALID_AFTER, BOUND_VALID_AFTER + 255n]],
  ])('is settled as any other: %s', async (_, marks) => {
    const bench = await open();
    const payers = await payersOf(chain, marks.length);
    const relays = await Promise.all(
      payers.map(async (payer, at) => relayFrom(payer, { validAfter: marks[at] ?? 0n })),
    );
    expect(await bench.relay(relays)).toEqual(marks.map(() => 'taken'));
    await finish(bench);
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(relays));
    expect(await balances(relays)).toEqual(marks.map(() => 9_000n));
  });
});

describe('a key that is removed while its transactions are under way', () => {
  test('leaves its payments to another key; if both transactions are mined, each payment moves once', async () => {
    const removed = await open();
    const other = await open();
    const relays = await relaysOf(2);
    await removed.relay(relays);
    await removed.onAlarm();
    // The payments' accounts present them again, and the payer's hash now selects another key.
    expect(await other.relay(relays)).toEqual(['taken', 'taken']);
    await other.onAlarm();
    const [old] = await flightsOf(removed);
    const [next] = await flightsOf(other);
    expect(next?.keys.toSorted()).toEqual(old?.keys.toSorted());
    await mine(chain);
    await finish(other);
    expect(await balances(relays)).toEqual([9_000n, 9_000n]);
    expect((await other.stored()).pending).toEqual([]);
    // The key returns and finds that all payments have moved.
    await removed.crash();
    await finish(removed);
    expect(await balances(relays)).toEqual([9_000n, 9_000n]);
    expect((await removed.stored()).pending).toEqual([]);
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
    // The poisoned payment burnt the gas of one batch. Later batches were smaller.
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
    await vi.waitUntil(() => bench.notified.length > 0, { timeout: 30_000 });
    expect(bench.notified[0]).toEqual({
      account: relays[1]?.account,
      results: [{ call: relays[1]?.call, outcome: 'bounced', reason: 'code', backend: 'relayer' }],
    });
  });
});
