import { describe, expect, test } from 'vitest';
import { MULTICALL3 } from '../../../src/settlement/relayer/calldata.ts';
import { openNode } from '../../../src/settlement/relayer/node.ts';
import { MAX_STRIKES } from '../../../src/settlement/relayer/pending.ts';
import {
  type Bench,
  openBench,
  payersOf,
  relayFrom,
  settledCalls,
  callsOf,
  settle,
} from './support.ts';
import { BURNER, setCode, TWO_FACED } from './wallets.ts';

/** Presents payments of three honest payers, and one of a payer with this code. */
const relayWithCode = async (code: Parameters<typeof setCode>[2]) => {
  const bench = await openBench();
  const [hostile, ...payers] = await payersOf(bench.chain, 4);
  if (hostile === undefined) throw new Error('no payer');
  await setCode(bench.chain, hostile.address, code);
  const bad = await relayFrom(hostile);
  const good = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
  await bench.relay([bad, ...good]);
  return { bench, bad, good };
};

describe('one bad payment', () => {
  test('is left out by its trial, costs no gas, and the rest settle', async () => {
    const bench = await openBench();
    const [empty] = await payersOf(bench.chain, 1, 10n);
    const payers = await payersOf(bench.chain, 5);
    if (empty === undefined) throw new Error('no payer');
    const bad = await relayFrom(empty);
    const good = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    await bench.relay([bad, ...good]);
    for (let round = 0; round < 4; round += 1) {
      await bench.onAlarm();
      bench.ahead += 5;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    expect(bench.recorded).toMatchObject([{ payments: 5 }]);
    // The relayer leaves the payment to other backends and still tries it, because its payer may have funds a minute later.
    expect(await bench.relay([bad])).toEqual(['refused']);
    await bench.chain.fund(empty.address, 10_000n);
    bench.ahead += 60;
    await bench.onAlarm();
    await bench.onAlarm();
    expect(settledCalls(bench)).toContain(bad.call);
  });

  test('that a request waits for is refused at once', async () => {
    const bench = await openBench();
    const [empty] = await payersOf(bench.chain, 1, 10n);
    if (empty === undefined) throw new Error('no payer');
    expect(await bench.relay([await relayFrom(empty)], true)).toEqual(['refused']);
  });

  test('of an account whose code burns gas is tried alone, and never sent', async () => {
    const { bench, bad, good } = await relayWithCode(BURNER);
    for (let round = 0; round < 4; round += 1) {
      await bench.onAlarm();
      bench.ahead += 5;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    expect(bench.recorded).toMatchObject([{ payments: 3 }]);
    expect(await bench.relay([bad])).toEqual(['refused']);
  });

  test('of code that behaves in the trial burns gas three times, alone, and never again', async () => {
    const { bench, bad, good } = await relayWithCode(TWO_FACED);
    for (let round = 0; round < 12; round += 1) {
      await bench.onAlarm();
      bench.ahead += 2;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    const burnt = bench.recorded.filter(({ settled }) => settled.length === 0);
    expect(burnt).toHaveLength(MAX_STRIKES);
    for (const { payments, gasUsed } of burnt) {
      expect(payments).toBe(1);
      expect(gasUsed).toBeLessThanOrEqual(600_000);
    }
    expect(await bench.relay([bad])).toEqual(['refused']);
    // The relayer still refuses the payment after a restart, and drops it at its deadline.
    await bench.crash();
    expect(await bench.relay([bad])).toEqual(['refused']);
    bench.ahead = 3_600;
    await bench.onAlarm();
    expect((await bench.stored()).pending).toEqual([]);
  });
});

describe('a node', () => {
  const threeOf = async (bench: Bench) =>
    Promise.all((await payersOf(bench.chain, 3)).map(async (payer) => relayFrom(payer)));

  test('that cannot answer one call does not delay the others', async () => {
    const bench = await openBench({ setup: { batch: 1 } });
    const relays = await threeOf(bench);
    const [strange, ...others] = relays;
    if (strange === undefined) throw new Error('no relay');
    const real = openNode([bench.chain.rpc], bench.address);
    bench.node = {
      simulate: async (trials) =>
        trials.some(({ data }) => data.includes(strange.call.slice(2)))
          ? trials.map(() => ({ kind: 'unknown' }))
          : real.simulate(trials),
    };
    await bench.relay(relays);
    for (let round = 0; round < 6; round += 1) {
      await bench.onAlarm();
      bench.ahead += 1;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(others));
    bench.node = {};
    expect(await settle(bench)).toEqual(callsOf(relays));
  });

  test.for([
    ['on a chain without Multicall3', { kind: 'returned', data: '0x' }],
    ['that refuses a call this large', { kind: 'unknown' }],
    ['where one payer burns the gas of all', { kind: 'reverted' }],
  ] as const)('%s gets payments one by one', async ([, answer]) => {
    const bench = await openBench();
    const relays = await threeOf(bench);
    const real = openNode([bench.chain.rpc], bench.address);
    bench.node = {
      simulate: async (trials) => (trials[0]?.to === MULTICALL3 ? [answer] : real.simulate(trials)),
    };
    await bench.relay(relays);
    expect(await settle(bench)).toEqual(callsOf(relays));
    expect(bench.recorded.map(({ payments }) => payments)).toEqual([1, 1, 1]);
  });

  test('whose blocks are small gets transactions that fit into them', async () => {
    const bench = await openBench();
    const relays = await threeOf(bench);
    const real = openNode([bench.chain.rpc], bench.address);
    bench.node = {
      facts: async () => {
        const facts = await real.facts();
        return facts && { ...facts, blockGas: 800_000 };
      },
    };
    await bench.relay(relays);
    expect(await settle(bench)).toEqual(callsOf(relays));
    expect(bench.recorded.map(({ payments }) => payments)).toEqual([2, 1]);
  });

  test("that does not return the payers' code sends nothing, and nothing is lost", async () => {
    const bench = await openBench();
    const relays = await threeOf(bench);
    bench.node = { payers: async () => new Map() };
    await bench.relay(relays);
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.status()).lastError?.text).toBe('payers_unknown');
    expect(await bench.alarm()).not.toBeNull();
    bench.node = {};
    expect(await settle(bench)).toEqual(callsOf(relays));
  });
});
