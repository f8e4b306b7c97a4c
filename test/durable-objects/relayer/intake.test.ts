import { parseEther } from 'viem';
import { describe, expect, test } from 'vitest';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { openBench, payersOf, relayFrom, settle } from './support.ts';

describe('takes', () => {
  test('a payment to a former payee, and none to an address that is neither', async () => {
    const former = '0x00000000000000000000000000000000000f02e2';
    const bench = await openBench();
    const [payer] = await payersOf(bench.chain, 1);
    if (payer === undefined) throw new Error('no payer');
    const relay = await relayFrom(payer, { to: former });
    expect(await bench.relay([relay])).toEqual(['unsupported']);
    const { to } = (await relayFrom(payer)).payment.authorization;
    const moved = await openBench({ setup: { payees: [to, former] } });
    expect(await moved.relay([relay])).toEqual(['taken']);
    expect(await settle(moved)).toEqual([relay.call]);
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
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.status()).lastError?.text).toBe('insufficient_gas');
    // The relayer has kept every payment and set its alarm.
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
    await bench.onAlarm();
    expect((await bench.stored()).flights).toEqual([]);
    expect((await bench.stored()).pending).toHaveLength(1);
  });

  test('more than ten thousand payments, or two thousand of one payer', async () => {
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
    const many = Array.from({ length: 10_001 }, (_, id) => numbered(id + 1));
    const verdicts = await bench.relay(many);
    expect(verdicts.filter((verdict) => verdict === 'taken')).toHaveLength(10_000);
    expect(verdicts.at(-1)).toBe('full');
    const other = await openBench({ setup: { wait: 60 } });
    const greedy = await other.relay(Array.from({ length: 2_001 }, (_, id) => numbered(id + 1, 1)));
    expect(greedy.filter((verdict) => verdict === 'taken')).toHaveLength(2_000);
    expect(await other.relay([model])).toEqual(['taken']);
    // Payments that the relayer already has stay taken.
    expect(await bench.relay(many.slice(0, 1))).toEqual(['taken']);
  });

  test('payments whose signatures take too much memory together', async () => {
    const bench = await openBench({ setup: { wait: 60 } });
    const payers = await payersOf(bench.chain, 2);
    const [one, other] = await Promise.all(payers.map(async (payer) => relayFrom(payer)));
    if (one === undefined || other === undefined) throw new Error('no payer');
    const signature = `0x${'11'.repeat(4_096)}` as const;
    const large = Array.from({ length: 1_221 }, (_, id) => {
      const nonce = `0x${(id + 1).toString(16).padStart(64, '0')}` as const;
      const authorization = { ...one.payment.authorization, nonce };
      return { ...one, call: nonce, payment: { ...one.payment, authorization, signature } };
    });
    expect(new Set(await bench.relay(large))).toEqual(new Set(['taken']));
    expect(await bench.relay([other])).toEqual(['full']);
  });
});

test('writes nothing and sets no alarm without work', async () => {
  const bench = await openBench();
  await bench.onAlarm();
  await bench.status();
  expect(await bench.tables()).toEqual([]);
  expect(await bench.alarm()).toBeNull();
});
