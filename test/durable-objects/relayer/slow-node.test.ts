import { encodeFunctionResult, multicall3Abi } from 'viem';
import { expect, test } from 'vitest';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import type { Trial } from '../../../src/settlement/relayer/node.ts';
import { codeNumber, keyNumber, relayNumber, scene } from './scripted-relayer.ts';

const one = { success: true, returnData: '0x' } as const;

/** A relayer whose node answers only some trials before the timeout. */
const open = (answers: (payments: number, data: string) => boolean) => {
  const relayer = scene({ batch: 100, wait: 0 });
  relayer.world.blockGas = 400_000_000;
  /** Number of payments in each trial, negative if the node did not answer. */
  const sizes: number[] = [];
  Object.assign(relayer.context.node, {
    simulate: async (trials: readonly Trial[]) =>
      trials.map(({ gas, data }) => {
        // The gas limit is 100,000 plus 130,000 for each payment, or 600,000 for a payment of a payer with code.
        const payments = Math.floor((Number(gas) - 100_000) / 130_000);
        const isAnswered = answers(payments, data);
        sizes.push(isAnswered ? payments : -payments);
        return isAnswered
          ? {
              kind: 'returned',
              data: encodeFunctionResult({
                abi: multicall3Abi,
                functionName: 'aggregate3',
                result: Array.from({ length: payments }, () => one),
              }),
            }
          : { kind: 'unknown' };
      }),
  });
  const { memory, world, send } = relayer;
  /** Keys of the payments that are in transactions. */
  const flown = () => [...memory.flights.values()].flatMap(({ record }) => record.keys);
  const settled: string[] = [];
  const round = async (): Promise<void> => {
    await send();
    settled.push(...flown());
    world.count += memory.flights.size;
    memory.flights.clear();
    for (const key of settled) memory.pending.delete(key);
    world.now += 1;
  };
  return { ...relayer, sizes, settled, round };
};

const honest = (count: number, first: number, validBefore: number): readonly Relay[] =>
  Array.from({ length: count }, (_, id) =>
    relayNumber(first + id, keyNumber(0x20_000 + first + id), validBefore),
  );

const hostile = (count: number, validBefore: number): readonly Relay[] =>
  Array.from({ length: count }, (_, id) => relayNumber(90_000 + id, keyNumber(666), validBefore));

const namesHostile = (data: string): boolean => data.includes(keyNumber(666).slice(2));

test('halves its trials until a busy node answers, then grows them, and no payment counts as failed', async () => {
  const { world, memory, give, round, sizes, settled } = open((payments) => payments <= 30);
  const relays = honest(400, 1, world.now + 3_600);
  give(relays);
  for (let at = 0; at < 3; at += 1) await round();
  expect(sizes.slice(0, 3)).toEqual([-100, -50, 25]);
  expect(memory.trials.size).toBe(0);
  for (let at = 0; at < 9; at += 1) await round();
  expect(settled).toHaveLength(400);
  // The node leaves less than a third of the trials unanswered.
  expect(sizes.filter((size) => size < 0).length * 3).toBeLessThan(sizes.length);
  expect(Math.max(...sizes)).toBeGreaterThan(25);
  expect(new Set(sizes.filter((size) => size > 0)).size).toBeGreaterThan(1);
});

test('sends whole batches again once the node answers in time', async () => {
  let isBusy = true;
  const { world, give, round, sizes } = open(() => !isBusy);
  give(honest(2_000, 1, world.now + 3_600));
  for (let at = 0; at < 4; at += 1) await round();
  expect(sizes).toEqual([-100, -50, -25, -12]);
  isBusy = false;
  for (let at = 0; at < 3; at += 1) await round();
  expect(Math.max(...sizes)).toBe(100);
});

test('finds the one payer whose payments keep the node busy, while the others settle', async () => {
  const { world, memory, give, round, sizes, settled } = open((_, data) => !namesHostile(data));
  // The hostile payer's deadlines are the nearest, so its payments come first in each trial.
  give([...hostile(500, world.now + 200), ...honest(99, 1, world.now + 3_600)]);
  for (let at = 0; at < 3; at += 1) await round();
  expect(settled.length).toBeGreaterThan(49);
  for (let at = 0; at < 9; at += 1) await round();
  expect(settled).toHaveLength(99);
  expect(memory.trials.size).toBe(0);
  // Now the relayer sends each honest payment in the round after it arrived, and retries the hostile payer after growing pauses.
  const before = sizes.length;
  for (let at = 0; at < 30; at += 1) {
    give(honest(10, 1_000 + 10 * at, world.now + 3_600));
    await round();
    expect(settled).toHaveLength(99 + 10 * (at + 1));
  }
  const vain = sizes.slice(before).filter((size) => size < 0);
  expect(vain.length).toBeLessThanOrEqual(6);
});

test('tries other payers first, although the payer presents new payments all the time', async () => {
  const { world, give, round, settled } = open((_, data) => !namesHostile(data));
  for (let at = 0; at < 12; at += 1) {
    give(hostile(150 * (at + 1), world.now + 200).slice(-150));
    give(honest(3, 10 * at, world.now + 3_600));
    await round();
  }
  // The last honest payments may have been in a trial with the hostile payer.
  expect(settled.length).toBeGreaterThanOrEqual(33);
  for (let at = 0; at < 3; at += 1) await round();
  expect(settled).toHaveLength(36);
});

test('pauses a payer with code whose trial the node does not answer', async () => {
  const { world, memory, give, round, settled } = open(
    (_, data) => !data.includes(codeNumber(1).slice(2)),
  );
  give([
    ...Array.from({ length: 50 }, (_, id) => relayNumber(id, codeNumber(1), world.now + 300)),
    relayNumber(99, codeNumber(2), world.now + 3_600),
  ]);
  for (let at = 0; at < 4; at += 1) await round();
  expect(settled).toHaveLength(1);
  expect(memory.trials.size).toBe(0);
});

test('keeps every payment that the node did not answer, and offers it to other backends when it was alone twice', async () => {
  const { world, memory, give, round } = open(() => false);
  const [own] = honest(1, 1, world.now + 3_600);
  if (own === undefined) throw new Error('no payment');
  expect(give([own])).toEqual(['taken']);
  await round();
  expect(give([own])).toEqual(['taken']);
  world.now += 2;
  await round();
  expect(give([own])).toEqual(['refused']);
  expect(memory.pending.size).toBe(1);
});
