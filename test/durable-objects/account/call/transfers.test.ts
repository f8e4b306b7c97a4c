import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { nowSeconds } from '../../../../src/core/clock.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountCommand } from '../../../../src/protocol/account/command.ts';
import { TRANSFER } from '../../../../durable-objects/account/commands/transfer.ts';
import {
  accountOf,
  asset,
  entriesOf,
  factsOf,
  failure,
  intentCallOf,
  onDisk,
  purseOf,
  randomHex,
  settleFirst,
  snapshotOf,
  stubOf,
  success,
  tablesOf,
  topUp,
  topUpOf,
} from '../../support.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const at = (seconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'], now: seconds * 1000 });
};

const to = (receiver: Hex) => ({ topUp: { to: accountOf(receiver) } });

/** Runs the payer's alarm after each pause until it has no total left to send. */
const ringUntilQuiet = async (payer: Hex): Promise<void> => {
  for (let round = 0; round < 8; round += 1) {
    if ((await snapshotOf(payer)).sending === 0) return;
    at(nowSeconds() + 301);
    await runDurableObjectAlarm(stubOf(payer));
  }
  throw new Error('still sending');
};

const creditOf = async (payer: Hex): Promise<string> => (await purseOf(payer)).credit;

const transfersOf = (payer: Hex) =>
  onDisk(payer, (disk) =>
    [...disk.find(TRANSFER)].map(({ sent, acknowledged, received }) => ({
      ...{ sent, acknowledged, received },
    })),
  );

describe('a top-up for another account', () => {
  test('is spendable at once, with an entry on both sides', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    expect(await topUp(payer, 5_000n, to(receiver))).toMatchObject({
      verdict: 'finished',
      state: 'committed',
      charged: 5_000n,
      paidFrom: 'payment',
    });
    await ringUntilQuiet(payer);
    expect(await creditOf(receiver)).toBe('5000');
    // Money that became another account's credit gives this account no trust (law 7).
    expect(await purseOf(payer)).toMatchObject({ credit: '0', settled: '0', held: '0' });
    const finished = (await entriesOf(payer)).find(({ type }) => type === 'call.finished');
    expect(finished?.amounts).toEqual({ charged: '5000', credited: '5000' });
    const accepted = (await entriesOf(payer)).find(({ type }) => type === 'call.accepted');
    expect(accepted?.payment).toMatchObject({ creditTo: accountOf(receiver) });
    expect(await entriesOf(receiver)).toMatchObject([
      {
        type: 'credit.received',
        amounts: { amount: '5000', total: '5000' },
        payment: { asset, from: accountOf(payer) },
      },
    ]);
    const call = intentCallOf(receiver, { price: 5_000n });
    expect(
      await stubOf(receiver).reserve(call, randomHex(16), { facts: factsOf(0n) }),
    ).toMatchObject({ verdict: 'go', paidFrom: 'credit' });
  });

  test('credits nothing for an unknown or unsigned command', async () => {
    const receiver = randomHex(20);
    const from = accountOf(randomHex(20));
    const odd = [
      { kind: 'gift', asset, amount: 5n },
      { kind: 'credit', from: '', asset, total: 5n },
      // SQLite cannot store this amount: a commit with it would fail for its whole group.
      { kind: 'credit', from, asset, total: 2n ** 60n },
    ] as unknown as AccountCommand[];
    for (const command of odd) {
      expect(await stubOf(receiver).apply(command)).toEqual({ verdict: 'unavailable' });
    }
    expect(await tablesOf(receiver)).toEqual([]);
  });

  test('refuses a total above the range of storage, even if the credit would fit', async () => {
    const receiver = randomHex(20);
    const most = 2n ** 53n - 1n;
    await stubOf(receiver).apply({
      kind: 'refund',
      asset,
      amount: most,
      transaction: randomHex(32),
      place: 0,
      block: 20,
      intent: { fields: {}, signature: '0x' },
    });
    const from = accountOf(randomHex(20));
    const command = { kind: 'credit', from, asset, total: most + 1n } as const;
    // While the account persists the first commit, the other commands form one group.
    const [, ...together] = await Promise.all([
      stubOf(receiver).apply({ ...command, total: 1n }),
      stubOf(receiver).apply(command),
      stubOf(receiver).apply({ ...command, total: 5n }),
    ]);
    // The other command of the group is still applied.
    expect(together.map(({ verdict }) => verdict)).toEqual(['unavailable', 'applied']);
  });

  test('arrives exactly once for many concurrent top-ups in both directions', async () => {
    const [one, two] = [randomHex(20), randomHex(20)];
    await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        await topUp(one, BigInt(100 + index), to(two));
        await topUp(two, BigInt(1_000 + index), to(one));
      }),
    );
    await ringUntilQuiet(one);
    await ringUntilQuiet(two);
    expect(await creditOf(two)).toBe('1045');
    expect(await creditOf(one)).toBe('10045');
    await entriesOf(one);
    await entriesOf(two);
  });

  test('clears the receiver’s debt, while a failed top-up stays with the payer', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    await stubOf(receiver).apply({
      kind: 'refund',
      asset,
      amount: 700n,
      transaction: randomHex(32),
      place: 0,
      block: 12,
      intent: { fields: {}, signature: '0x' },
    });
    expect(await creditOf(receiver)).toBe('-700');
    await topUp(payer, 1_000n, to(receiver));
    await ringUntilQuiet(payer);
    expect(await creditOf(receiver)).toBe('300');
    const call = topUpOf(payer, 400n, to(receiver));
    const attempt = randomHex(16);
    await settleFirst(payer, call, attempt);
    expect(await stubOf(payer).finish(call.id, attempt, failure)).toMatchObject({
      state: 'released',
      charged: 0n,
    });
    expect(await creditOf(payer)).toBe('400');
    expect(await creditOf(receiver)).toBe('300');
  });
});

describe('law 5: a Worker that dies in the middle of a top-up', () => {
  for (const death of ['between settle and go', 'between go and finish'] as const) {
    test(`${death}: the alarm completes one or two top-ups`, async () => {
      const start = nowSeconds();
      at(start);
      const [payer, receiver] = [randomHex(20), randomHex(20)];
      const calls = [
        topUpOf(payer, 1_000n, to(receiver)),
        topUpOf(payer, 500n, to(receiver)),
        topUpOf(payer, 30n),
        topUpOf(payer, 4n),
      ];
      const attempt = randomHex(16);
      for (const call of calls) {
        if (death === 'between go and finish') await settleFirst(payer, call, attempt);
        else {
          await stubOf(payer).reserve(call, attempt, { facts: factsOf(1_000_000n) });
          await stubOf(payer).settled([
            { call: call.id, outcome: 'settled', transaction: randomHex(32), block: 10 },
          ]);
        }
      }
      await evictDurableObject(stubOf(payer));
      at(start + 301);
      await runDurableObjectAlarm(stubOf(payer));
      await ringUntilQuiet(payer);
      expect(await creditOf(payer)).toBe('34');
      expect(await creditOf(receiver)).toBe('1500');
      expect(await transfersOf(payer)).toMatchObject([{ sent: 1_500n, acknowledged: 1_500n }]);
      const abandoned = (await entriesOf(payer)).filter(({ type }) => type === 'call.abandoned');
      expect(new Set(abandoned.map(({ amounts }) => amounts))).toEqual(
        new Set(calls.map(({ price }) => ({ charged: `${price}`, credited: `${price}` }))),
      );
      // A late finish or repeat changes nothing.
      for (const { id: call } of calls) {
        expect(await stubOf(payer).finish(call, attempt, success)).toMatchObject({
          verdict: 'finished',
          state: 'committed',
        });
      }
      const again = calls[0] ?? topUpOf(payer, 1n);
      expect((await stubOf(payer).reserve(again, randomHex(16), {})).verdict).toBe('already_used');
      at(start + 900);
      await runDurableObjectAlarm(stubOf(payer));
      expect(await creditOf(payer)).toBe('34');
      expect(await creditOf(receiver)).toBe('1500');
    });
  }

  test('credits no account if the payment never settled', async () => {
    const [payer, receiver] = [randomHex(20), randomHex(20)];
    const call = topUpOf(payer, 1_000n, to(receiver));
    await stubOf(payer).reserve(call, randomHex(16), { facts: factsOf(1_000_000n) });
    await stubOf(payer).settled([{ call: call.id, outcome: 'released' }]);
    expect(await purseOf(payer)).toMatchObject({ credit: '0', held: '0' });
    expect(await snapshotOf(payer)).toMatchObject({ sending: 0, open: 0 });
    expect((await snapshotOf(receiver)).seq).toBe(0);
  });
});
