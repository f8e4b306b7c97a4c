import { runDurableObjectAlarm } from 'cloudflare:test';
import { ENTRY } from '../../../../durable-objects/store/entry.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { asset, callOf, entriesOf, onDisk, randomHex, stubOf, trust } from '../../support.ts';
import { pass, putToSleep, restore, rowsOf } from '../../tree-support.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { alertsOf, unsettled } from './alert-support.ts';

afterEach(restore);

/** The number of entries that have a row of their own. */
const looseOf = (payer: Hex): Promise<number> => onDisk(payer, (disk) => disk.count(ENTRY));

describe('stuck', () => {
  test('is raised by the alarm, once for each payment that is open for fifteen minutes', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { id: call } = await unsettled(payer);
    await stubOf(payer).settled([{ call, outcome: 'sent', backend: 'facilitator' }]);
    pass(899);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toEqual([]);
    pass(1);
    const looseBefore = await looseOf(payer);
    for (const _ of Array(3)) {
      await runDurableObjectAlarm(stubOf(payer));
      pass(300);
    }
    await putToSleep(payer);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toMatchObject([
      {
        rule: 'stuck',
        call,
        tool: 'lookup',
        outcome: { call, tool: 'lookup', asset, amount: '1000', since: expect.any(Number) },
      },
    ]);
    // The alert is part of the call's row, so it costs no row of its own.
    expect(await looseOf(payer)).toBe(looseBefore);
    // The alert changes nothing: the chain still determines the payment's outcome (law 5).
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    expect((await entriesOf(payer)).at(-1)).toMatchObject({ type: 'payment.settled', call });
  });

  test('adds no reads or writes to later alarms', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    await unsettled(payer);
    const ring = async (): Promise<number> => {
      const before = await rowsOf(payer);
      await runDurableObjectAlarm(stubOf(payer));
      return (await rowsOf(payer)) - before;
    };
    pass(600);
    await ring();
    const young = await ring();
    pass(400);
    // One row for the account and the call.
    expect(await ring()).toBe(young + 1);
    expect(await ring()).toBe(young);
  });

  test('is not raised for a payment that has ended, nor for an upfront payment', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    const { id: call } = await unsettled(payer);
    await stubOf(payer).settled([
      { call, outcome: 'settled', transaction: randomHex(32), block: 12 },
    ]);
    const upfront = callOf(payer, { settlement: 'upfront' });
    await stubOf(payer).reserve(upfront, randomHex(16), {});
    pass(1_000);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toEqual([]);
  });

  test('is raised for twenty payments an alarm after a long outage', async () => {
    const payer = randomHex(20);
    await trust(payer, 1_000_000n, 10_000_000n);
    for (let made = 0; made < 25; made += 1) await unsettled(payer);
    pass(1_000);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toHaveLength(20);
    await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toHaveLength(25);
    expect(new Set((await alertsOf(payer)).map(({ call }) => call)).size).toBe(25);
    // After an eviction the account reads each call once more, to see that it has already raised the call's alert.
    await putToSleep(payer);
    for (let alarms = 0; alarms < 3; alarms += 1) await runDurableObjectAlarm(stubOf(payer));
    expect(await alertsOf(payer)).toHaveLength(25);
  });
});
