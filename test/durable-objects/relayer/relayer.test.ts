import { parseEther } from 'viem';
import { describe, expect, test } from 'vitest';
import { submitAuthorization } from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/usdc.ts';
import { MULTICALL3 } from '../../../src/settlement/relayer/calldata.ts';
import { openNode } from '../../../src/settlement/relayer/node.ts';
import { MOST_STRIKES } from '../../../src/settlement/relayer/pending.ts';
import { payTo } from '../../unit/settlement/real-chain.ts';
import { type Bench, openBench, payersOf, relayFrom, ringOut, settledCalls } from './support.ts';
import { BURNER, setCode, TWO_FACED, walletPayment } from './wallets.ts';

const callsOf = (relays: readonly { readonly call: string }[]) =>
  relays.map(({ call }) => call).toSorted();

const settle = async (bench: Bench): Promise<readonly string[]> => {
  await ringOut(bench);
  return settledCalls(bench).toSorted();
};

describe('settles', () => {
  test.for([1, 2, 20, 100])('%i payments of as many payers in one transaction', async (count) => {
    const bench = await openBench();
    const payers = await payersOf(bench.chain, count);
    const relays = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    const before = await bench.chain.balanceOf(payTo);
    expect(await bench.relay(relays)).toEqual(relays.map(() => 'taken'));
    expect(await settle(bench)).toEqual(callsOf(relays));
    for (const { address } of payers) expect(await bench.chain.balanceOf(address)).toBe(9_000n);
    // Other test files pay the same receiver.
    expect(await bench.chain.balanceOf(payTo)).toBeGreaterThanOrEqual(
      before + 1_000n * BigInt(count),
    );
    expect(bench.booked).toMatchObject([{ payments: count }]);
    const gas = (bench.booked[0]?.gasUsed ?? 0) / count;
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
    expect(new Set(bench.told.map(({ results }) => results.length))).toEqual(new Set([1, 3]));
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
    expect(new Set(bench.booked.map(({ payments }) => payments))).toEqual(new Set([1, 3]));
    expect(await bench.chain.balanceOf(wallet.payment.authorization.from)).toBe(9_000n);
  });

  test('a payment at once that a request waits for, whatever the configured wait', async () => {
    const bench = await openBench({ setup: { wait: 60 } });
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const [first, second] = [await relayFrom(payer), await relayFrom(payer)];
    await bench.relay([first]);
    await bench.ring();
    expect((await bench.stored()).flights).toEqual([]);
    expect(await bench.relay([second], true)).toEqual(['taken']);
    expect((await bench.stored()).flights).toMatchObject([{ keys: { length: 2 } }]);
    expect(await settle(bench)).toEqual(callsOf([first, second]));
  });

  test('with at most two rows per payment and ten per transaction', async () => {
    const bench = await openBench();
    // Tables are created once.
    const [first, ...payers] = await payersOf(bench.chain, 101);
    if (first === undefined) throw new Error('no payer');
    await bench.relay([await relayFrom(first)]);
    await ringOut(bench);
    const before = bench.rows();
    await bench.relay(await Promise.all(payers.map(async (payer) => relayFrom(payer))));
    await ringOut(bench);
    expect(bench.booked.at(-1)?.payments).toBe(100);
    expect(bench.rows() - before).toBeLessThanOrEqual(2 * 100 + 10);
    expect(bench.rows() - before).toBeGreaterThanOrEqual(2 * 100);
    // Alone a payment costs the rows of a transaction.
    const [alone] = payers;
    if (alone === undefined) throw new Error('no payer');
    const then = bench.rows();
    await bench.relay([await relayFrom(alone)]);
    await ringOut(bench);
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
    await bench.ring();
    // In a transaction.
    expect((await bench.stored()).flights).toHaveLength(1);
    expect(await bench.relay([relay])).toEqual(['taken']);
    // Settled, and no account could be notified yet.
    bench.subscribers = { notify: async () => false };
    await bench.ring();
    expect((await bench.stored()).reports).toHaveLength(1);
    expect(await bench.relay([relay])).toEqual(['taken']);
    expect((await bench.stored()).pending).toEqual([]);
    bench.subscribers = {};
    expect(await settle(bench)).toEqual([relay.call]);
    // Long ended: the chain shows that the nonce is used.
    expect(await bench.relay([relay])).toEqual(['taken']);
    expect(await settle(bench)).toEqual([relay.call]);
    expect(await bench.chain.balanceOf(payer.address)).toBe(9_000n);
    expect(bench.booked).toHaveLength(1);
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
    expect(bench.booked).toMatchObject([{ payments: 2 }]);
  });
});

describe('does not take', () => {
  test('a payment of another token, chain or receiver', async () => {
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const good = await relayFrom(payer);
    const { payment } = good;
    const stray = await relayFrom(payer, { to: `0x${'aa'.repeat(20)}` });
    expect(
      await bench.relay([
        stray,
        { ...good, payment: { ...payment, token: { ...usdc, network: 'eip155:8453' } } },
        { ...good, payment: { ...payment, token: { ...usdc, address: `0x${'bb'.repeat(20)}` } } },
        { ...good, payment: { ...payment, signature: `0x${'00'.repeat(4_097)}` } },
      ]),
    ).toEqual(['unsupported', 'unsupported', 'unsupported', 'unsupported']);
    expect(await bench.tables()).toEqual([]);
    expect(bench.rows()).toBe(0);
    expect(await bench.alarm()).toBeNull();
  });

  test('a payment close to or past its deadline', async () => {
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const now = Math.floor(Date.now() / 1000);
    const relay = await relayFrom(payer, { validBefore: BigInt(now + 5) });
    expect(await bench.relay([relay])).toEqual(['expired']);
    expect(await bench.tables()).toEqual([]);
  });

  test('anything without ether for gas, and continues taken payments once there is some', async () => {
    const bench = await openBench({ balance: 1_000n });
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const relay = await relayFrom(payer);
    expect(await bench.relay([relay])).toEqual(['gas']);
    expect(await bench.relay([relay])).toEqual(['gas']);
    expect(await bench.tables()).toEqual([]);
    expect(bench.warned).toHaveLength(1);
    await bench.chain.client.setBalance({ address: bench.address, value: parseEther('1') });
    bench.ahead += 60;
    expect(await bench.relay([relay])).toEqual(['taken']);
    await bench.chain.client.setBalance({ address: bench.address, value: 1_000n });
    await bench.ring();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.status()).lastError?.text).toBe('insufficient_gas');
    // Nothing is lost, and the alarm is set.
    expect(await bench.alarm()).not.toBeNull();
    await bench.chain.client.setBalance({ address: bench.address, value: parseEther('1') });
    expect(await settle(bench)).toEqual([relay.call]);
  });

  test('anything while no node answers, and writes nothing', async () => {
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    bench.node = { facts: async () => undefined };
    expect(await bench.relay([await relayFrom(payer)])).toEqual(['unavailable']);
    expect(await bench.tables()).toEqual([]);
  });

  test('urgent payments while gas is above the limit; others wait', async () => {
    const bench = await openBench({ setup: { maxFeePerGas: 1n } });
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const [patient, urgent] = [await relayFrom(payer), await relayFrom(payer)];
    expect(await bench.relay([urgent], true)).toEqual(['fee']);
    expect(await bench.relay([patient])).toEqual(['taken']);
    const now = Math.floor(Date.now() / 1000);
    const late = await relayFrom(payer, { validBefore: BigInt(now + 200) });
    expect(await bench.relay([late])).toEqual(['fee']);
    await bench.ring();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.stored()).pending).toHaveLength(1);
  });

  test('more than five thousand payments, or a thousand of one payer', async () => {
    const bench = await openBench({ setup: { wait: 60, batch: 100 } });
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const model = await relayFrom(payer);
    const numbered = (id: number, among = 7) => {
      const nonce = `0x${id.toString(16).padStart(64, '0')}` as const;
      const from = `0x${(id % among).toString(16).padStart(40, '0')}` as const;
      const authorization = { ...model.payment.authorization, from, nonce };
      return { ...model, call: nonce, payment: { ...model.payment, authorization } };
    };
    const many = Array.from({ length: 5_001 }, (_, id) => numbered(id + 1));
    const verdicts = await bench.relay(many);
    expect(verdicts.filter((verdict) => verdict === 'taken')).toHaveLength(5_000);
    expect(verdicts.at(-1)).toBe('full');
    const other = await openBench({ setup: { wait: 60 } });
    const greedy = await other.relay(Array.from({ length: 1_001 }, (_, id) => numbered(id + 1, 1)));
    expect(greedy.filter((verdict) => verdict === 'taken')).toHaveLength(1_000);
    expect(await other.relay([model])).toEqual(['taken']);
    // Payments that it has stay taken.
    expect(await bench.relay(many.slice(0, 1))).toEqual(['taken']);
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
    // Taken while gas was cheap.
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
    await dear.ring();
    expect((await dear.stored()).flights).toHaveLength(0);
    dear.ahead = 181;
    await dear.ring();
    const { flights, pending } = await dear.stored();
    expect(flights).toMatchObject([{ keys: { length: 1 } }]);
    expect(flights[0]?.keys).toEqual([pending.find(({ call }) => call === near.call)?.key]);
    expect(flights[0]?.attempts[0].maxFeePerGas).toBeLessThanOrEqual((price / 2n) * 4n);
  });
});

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
      await bench.ring();
      bench.ahead += 5;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    expect(bench.booked).toMatchObject([{ payments: 5 }]);
    // Other backends get it, and it is still tried: its payer may have funds in a minute.
    expect(await bench.relay([bad])).toEqual(['refused']);
    await bench.chain.fund(empty.address, 10_000n);
    bench.ahead += 60;
    await bench.ring();
    await bench.ring();
    expect(settledCalls(bench)).toContain(bad.call);
  });

  test('that a request waits for is refused at once', async () => {
    const bench = await openBench();
    const [empty] = await payersOf(bench.chain, 1, 10n);
    if (empty === undefined) throw new Error('no payer');
    expect(await bench.relay([await relayFrom(empty)], true)).toEqual(['refused']);
  });

  test('of an account whose code burns gas is tried alone, and never sent', async () => {
    const bench = await openBench();
    const [hostile, ...payers] = await payersOf(bench.chain, 4);
    if (hostile === undefined) throw new Error('no payer');
    await setCode(bench.chain, hostile.address, BURNER);
    const bad = await relayFrom(hostile);
    const good = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    await bench.relay([bad, ...good]);
    for (let round = 0; round < 4; round += 1) {
      await bench.ring();
      bench.ahead += 5;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    expect(bench.booked).toMatchObject([{ payments: 3 }]);
    expect(await bench.relay([bad])).toEqual(['refused']);
  });

  test('of code that behaves in the trial burns gas three times, alone, and never again', async () => {
    const bench = await openBench();
    const [hostile, ...payers] = await payersOf(bench.chain, 4);
    if (hostile === undefined) throw new Error('no payer');
    await setCode(bench.chain, hostile.address, TWO_FACED);
    const bad = await relayFrom(hostile);
    const good = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    await bench.relay([bad, ...good]);
    for (let round = 0; round < 12; round += 1) {
      await bench.ring();
      bench.ahead += 2;
    }
    expect(settledCalls(bench).toSorted()).toEqual(callsOf(good));
    const burnt = bench.booked.filter(({ settled }) => settled.length === 0);
    expect(burnt).toHaveLength(MOST_STRIKES);
    for (const { payments, gasUsed } of burnt) {
      expect(payments).toBe(1);
      expect(gasUsed).toBeLessThanOrEqual(600_000);
    }
    expect(await bench.relay([bad])).toEqual(['refused']);
    // It stays refused after a restart, and is dropped at its deadline.
    await bench.crash();
    expect(await bench.relay([bad])).toEqual(['refused']);
    bench.ahead = 3_600;
    await bench.ring();
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
      await bench.ring();
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
  ] as const)('%s is asked about payments one by one', async ([, answer]) => {
    const bench = await openBench();
    const relays = await threeOf(bench);
    const real = openNode([bench.chain.rpc], bench.address);
    bench.node = {
      simulate: async (trials) => (trials[0]?.to === MULTICALL3 ? [answer] : real.simulate(trials)),
    };
    await bench.relay(relays);
    expect(await settle(bench)).toEqual(callsOf(relays));
    expect(bench.booked.map(({ payments }) => payments)).toEqual([1, 1, 1]);
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
    expect(bench.booked.map(({ payments }) => payments)).toEqual([2, 1]);
  });

  test("that does not return the payers' code sends nothing, and nothing is lost", async () => {
    const bench = await openBench();
    const relays = await threeOf(bench);
    bench.node = { payers: async () => new Map() };
    await bench.relay(relays);
    await bench.ring();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.status()).lastError?.text).toBe('payers_unknown');
    expect(await bench.alarm()).not.toBeNull();
    bench.node = {};
    expect(await settle(bench)).toEqual(callsOf(relays));
  });
});

describe('while subscribers do not answer', () => {
  test('notifies accounts and records costs again, and settlement continues', async () => {
    const bench = await openBench();
    const [one, other] = await payersOf(bench.chain, 2);
    if (one === undefined || other === undefined) throw new Error('no payers');
    const [first, second] = [await relayFrom(one), await relayFrom(other)];
    bench.subscribers = {
      notify: async () => {
        throw new Error('overloaded');
      },
      recordRelay: async () => {
        throw new Error('D1 is down');
      },
    };
    await bench.relay([first]);
    await bench.ring();
    await bench.ring();
    await bench.relay([second]);
    await bench.ring();
    await bench.ring();
    expect(await bench.chain.balanceOf(other.address)).toBe(9_000n);
    expect((await bench.stored()).reports).toHaveLength(2);
    expect(await bench.alarm()).not.toBeNull();
    await bench.crash();
    bench.subscribers = {};
    expect(await settle(bench)).toEqual(callsOf([first, second]));
    expect(bench.booked).toHaveLength(2);
    expect((await bench.stored()).reports).toEqual([]);
  });

  test('does not notify an account again because the cost was not recorded', async () => {
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    let tries = 0;
    bench.subscribers = {
      recordRelay: async () => {
        tries += 1;
        if (tries < 3) throw new Error('D1 is down');
      },
    };
    await bench.relay([await relayFrom(payer)]);
    await ringOut(bench, 30);
    expect(tries).toBe(3);
    expect(bench.told).toHaveLength(1);
  });
});

test('raises one alert when gas runs out', async () => {
  const bench = await openBench({ balance: parseEther('0.01') });
  const payers = await payersOf(bench.chain, 3);
  for (const payer of payers) {
    await bench.relay([await relayFrom(payer)]);
    await ringOut(bench);
  }
  await bench.crash();
  await bench.ring();
  expect(bench.warned).toMatchObject([{ network: usdc.network, address: bench.address }]);
  expect(Number(bench.warned[0]?.['covers'])).toBeLessThan(1_000);
  bench.ahead += 6 * 3_600;
  await bench.ring();
  expect(bench.warned).toHaveLength(2);
});

test('does not wait for the alert about gas, whether it hangs or fails', async () => {
  const bench = await openBench({ balance: 1_000n });
  const [payer] = await payersOf(bench.chain, 1);
  if (payer === undefined) throw new Error('no payer');
  bench.subscribers = { alertLowGas: async () => Promise.reject(new Error('overloaded')) };
  expect(await bench.relay([await relayFrom(payer)])).toEqual(['gas']);
  await bench.chain.client.setBalance({ address: bench.address, value: parseEther('0.01') });
  bench.ahead += 60;
  expect(await bench.relay([await relayFrom(payer)])).toEqual(['taken']);
  let asked = 0;
  bench.subscribers = {
    alertLowGas: async () => {
      asked += 1;
      return new Promise(() => undefined);
    },
  };
  await bench.chain.client.setBalance({ address: bench.address, value: 1_000n });
  bench.ahead += 60;
  expect(await bench.relay([await relayFrom(payer)])).toEqual(['gas']);
  await bench.ring();
  expect(await bench.alarm()).not.toBeNull();
  // A pending alert is not raised again.
  expect(asked).toBe(1);
});

test('writes nothing and sets no alarm without work', async () => {
  const bench = await openBench();
  await bench.ring();
  await bench.status();
  expect(await bench.tables()).toEqual([]);
  expect(await bench.alarm()).toBeNull();
});
