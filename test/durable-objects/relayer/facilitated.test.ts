import { describe, expect, test } from 'vitest';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import { alarmUntilIdle, openBench, payersOf, relayFrom, settledCalls } from './support.ts';

const SELLER = `0x${'5e'.repeat(20)}` as const;
const OTHER = `0x${'6e'.repeat(20)}` as const;
const setup = { facilitates: [SELLER, OTHER] };

/** A payment to another seller, of which the relayer notifies no account. */
const withoutAccount = ({ account: _, ...relay }: Relay): Relay => relay;

const payerOf = async (bench: Awaited<ReturnType<typeof openBench>>, amount?: bigint) => {
  const [payer] = await payersOf(bench.chain, 1, amount);
  if (payer === undefined) throw new Error('no payer');
  return payer;
};

describe('payments to other sellers', () => {
  test("share a transaction with the gateway's own, and no account is notified of them", async () => {
    const bench = await openBench({ setup });
    const payer = await payerOf(bench);
    const own = await relayFrom(payer);
    const others = [
      withoutAccount(await relayFrom(payer, { to: SELLER })),
      withoutAccount(await relayFrom(payer, { to: OTHER })),
    ];
    expect(await bench.relay([own, ...others])).toEqual(['taken', 'taken', 'taken']);
    await alarmUntilIdle(bench);
    expect(bench.recorded).toMatchObject([{ payments: 3 }]);
    expect(settledCalls(bench)).toEqual([own.call]);
    expect(await bench.chain.balanceOf(SELLER)).toBeGreaterThanOrEqual(1_000n);
  });

  test('are not taken for an address that is not listed, or with an account', async () => {
    const bench = await openBench({ setup });
    const payer = await payerOf(bench);
    const stray = withoutAccount(await relayFrom(payer, { to: `0x${'aa'.repeat(20)}` }));
    const own = withoutAccount(await relayFrom(payer));
    const claimed = await relayFrom(payer, { to: SELLER });
    expect(await bench.relay([stray, own, claimed])).toEqual([
      'unsupported',
      'unsupported',
      'unsupported',
    ]);
    expect(await bench.tables()).toEqual([]);
  });

  test('are kept and not refused while the node does not answer their trial', async () => {
    const bench = await openBench({ setup });
    const payer = await payerOf(bench);
    const relay = withoutAccount(await relayFrom(payer, { to: SELLER }));
    bench.node = { simulate: async (trials) => trials.map(() => ({ kind: 'unknown' })) };
    for (let at = 0; at < 4; at += 1) {
      expect(await bench.relay([relay], true)).toEqual(['taken']);
      bench.ahead += 10;
    }
    expect((await bench.stored()).pending).toHaveLength(1);
    bench.node = {};
    bench.ahead += 60;
    await alarmUntilIdle(bench);
    expect(bench.recorded).toMatchObject([{ payments: 1 }]);
  });

  test('that are refused are dropped, so that they never move later', async () => {
    const bench = await openBench({ setup });
    const payer = await payerOf(bench, 10n);
    const relay = withoutAccount(await relayFrom(payer, { to: SELLER }));
    expect(await bench.relay([relay], true)).toEqual(['refused']);
    expect((await bench.stored()).pending).toEqual([]);
    await bench.chain.fund(payer.address, 10_000n);
    bench.ahead += 60;
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    // The seller's server may present the payment again.
    expect(await bench.relay([relay], true)).toEqual(['taken']);
    await alarmUntilIdle(bench);
    expect(bench.recorded).toMatchObject([{ payments: 1 }]);
  });

  test('have at most a thousand places an address, and half of all', async () => {
    const sellers = [1, 2, 3].map((id) => `0x${id.toString(16).padStart(40, '5')}` as const);
    const bench = await openBench({ setup: { facilitates: sellers, wait: 60 } });
    const model = await relayFrom(await payerOf(bench));
    let id = 0;
    const numbered = (to: `0x${string}`): Relay => {
      id += 1;
      const nonce = `0x${id.toString(16).padStart(64, '0')}` as const;
      const from = `0x${(id % 9).toString(16).padStart(40, '0')}` as const;
      const authorization = { ...model.payment.authorization, from, nonce, to };
      return { call: nonce, payment: { ...model.payment, authorization }, sinceBlock: 0 };
    };
    const many = (to: `0x${string}` | undefined, count: number) =>
      Array.from({ length: count }, () => numbered(to ?? SELLER));
    const taken = async (relays: readonly Relay[]) =>
      (await bench.relay(relays)).filter((verdict) => verdict === 'taken').length;
    expect(await taken(many(sellers[0], 2_001))).toBe(2_000);
    expect(await taken(many(sellers[1], 2_001))).toBe(2_000);
    expect(await taken(many(sellers[2], 2_001))).toBe(1_000);
    expect(await bench.relay([model])).toEqual(['taken']);
  });
});

test('two authorizations of one nonce: only the first is taken', async () => {
  const bench = await openBench({ setup: { ...setup, wait: 60 } });
  const payer = await payerOf(bench);
  const first = withoutAccount(await relayFrom(payer, { to: SELLER }));
  const { nonce } = first.payment.authorization;
  const second = await relayFrom(payer, { nonce });
  expect(await bench.relay([first])).toEqual(['taken']);
  expect(await bench.relay([second])).toEqual(['refused']);
  expect(await bench.relay([first])).toEqual(['taken']);
  expect((await bench.stored()).pending).toHaveLength(1);
});
