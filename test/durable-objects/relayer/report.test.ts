import { parseEther } from 'viem';
import { describe, expect, test } from 'vitest';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { openBench, payersOf, relayFrom, alarmUntilIdle, callsOf, settle } from './support.ts';

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
    await bench.onAlarm();
    await bench.onAlarm();
    await bench.relay([second]);
    await bench.onAlarm();
    await bench.onAlarm();
    expect(await bench.chain.balanceOf(other.address)).toBe(9_000n);
    expect((await bench.stored()).reports).toHaveLength(2);
    expect(await bench.alarm()).not.toBeNull();
    await bench.crash();
    bench.subscribers = {};
    expect(await settle(bench)).toEqual(callsOf([first, second]));
    expect(bench.recorded).toHaveLength(2);
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
    await alarmUntilIdle(bench, 30);
    expect(tries).toBe(3);
    expect(bench.notified).toHaveLength(1);
  });
});

test('raises one alert when gas runs out', async () => {
  const bench = await openBench({ balance: parseEther('0.01') });
  const payers = await payersOf(bench.chain, 3);
  for (const payer of payers) {
    await bench.relay([await relayFrom(payer)]);
    await alarmUntilIdle(bench);
  }
  await bench.crash();
  await bench.onAlarm();
  expect(bench.warned).toMatchObject([{ network: usdc.network, address: bench.address }]);
  expect(Number(bench.warned[0]?.['covers'])).toBeLessThan(1_000);
  bench.ahead += 6 * 3_600;
  await bench.onAlarm();
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
  let attempts = 0;
  bench.subscribers = {
    alertLowGas: async () => {
      attempts += 1;
      return new Promise(() => undefined);
    },
  };
  await bench.chain.client.setBalance({ address: bench.address, value: 1_000n });
  bench.ahead += 60;
  expect(await bench.relay([await relayFrom(payer)])).toEqual(['gas']);
  await bench.onAlarm();
  expect(await bench.alarm()).not.toBeNull();
  // The relayer does not raise an alert again that is still pending.
  expect(attempts).toBe(1);
});
