import { encodeFunctionResult, multicall3Abi } from 'viem';
import { expect, test } from 'vitest';
import type { Address } from '../../../src/core/hex.ts';
import { keyOfPayer } from '../../../src/settlement/relayer/key-of-payer.ts';
import { keyNumber, relayNumber, scene } from './scripted-relayer.ts';

/**
 * Simulates how several keys share the load, on a chain that only counts: a block every two seconds, a round of each relayer every second,
 * and every transaction in the next block.
 */
const simulate = async ({ keys, perSecond, blocks }: Simulation) => {
  const addresses = Array.from({ length: keys }, (_, at) => keyNumber(0x5eed + at * 0x9999));
  const relayers = addresses.map(() => open(keys));
  const settled: number[] = [];
  const transactions: number[] = [];
  let made = 0;
  for (let block = 0; block < blocks; block += 1) {
    for (const _ of ['first second', 'second second']) {
      const relays = Array.from({ length: perSecond }, () => {
        made += 1;
        return relayNumber(made, keyNumber(made), 1_000_003_600);
      });
      const shares = Map.groupBy(relays, ({ payment }) =>
        keyOfPayer(payment.authorization.from, addresses as [Address, ...Address[]]),
      );
      for (const [at, relayer] of relayers.entries()) {
        const own = shares.get(addresses[at] as Address) ?? [];
        expect(new Set(relayer.give(own))).toEqual(new Set(['taken']));
        relayer.world.now += 1;
        await relayer.send();
      }
    }
    const mined = relayers.map(mine);
    transactions.push(mined.reduce((sum, { length }) => sum + length, 0));
    settled.push(mined.flat().reduce((sum, payments) => sum + payments, 0));
  }
  const waiting = relayers.reduce((sum, { memory }) => sum + memory.pending.size, 0);
  return { transactions, settled, waiting };
};

type Simulation = { readonly keys: number; readonly perSecond: number; readonly blocks: number };

const open = (keys: number) => {
  const relayer = scene({ batch: 100, wait: 2, keys });
  relayer.world.blockGas = 400_000_000;
  const one = { success: true, returnData: '0x' } as const;
  Object.assign(relayer.context.node, {
    simulate: async (trials: readonly { readonly gas: bigint }[]) =>
      trials.map(({ gas }) => ({
        kind: 'returned',
        data: encodeFunctionResult({
          abi: multicall3Abi,
          functionName: 'aggregate3',
          // The gas limit is 100,000 plus 130,000 for each payment.
          result: Array.from({ length: (Number(gas) - 100_000) / 130_000 }, () => one),
        }),
      })),
  });
  return relayer;
};

/** Mines every open transaction of a key. @returns the number of payments in each */
const mine = ({ memory, world }: ReturnType<typeof open>): readonly number[] => {
  const flights = [...memory.flights.values()];
  for (const { record } of flights) {
    memory.flights.delete(record.nonce);
    for (const key of record.keys) memory.pending.delete(key);
  }
  world.count += flights.length;
  world.block += 1;
  return flights.map(({ record }) => record.keys.length);
};

test('four keys of ten transactions fill forty transactions of a hundred payments a block: 2,000 a second', async () => {
  const { transactions, settled } = await simulate({ keys: 4, perSecond: 2_400, blocks: 4 });
  expect(transactions.slice(1)).toEqual([40, 40, 40]);
  expect(settled.slice(1)).toEqual([4_000, 4_000, 4_000]);
});

test('five keys keep up with 2,000 payments a second, although the hash spreads them unevenly', async () => {
  const { settled, waiting, transactions } = await simulate({
    keys: 5,
    perSecond: 2_000,
    blocks: 5,
  });
  const total = settled.reduce((sum, count) => sum + count, 0);
  expect(total + waiting).toBe(5 * 2 * 2_000);
  // Fewer payments wait than fit into one block.
  expect(waiting).toBeLessThan(4_000);
  expect(Math.max(...transactions)).toBeLessThanOrEqual(50);
});

test('a key sends ten permits a block, one a transaction: five a second', async () => {
  const relayer = open(1);
  const { address } = relayer.context.setup;
  const permits = Array.from({ length: 30 }, (_, at) => {
    const relay = relayNumber(at, keyNumber(at), 1_000_003_600);
    return { ...relay, payment: { ...relay.payment, permit: { facilitator: address } } };
  });
  expect(new Set(relayer.give(permits))).toEqual(new Set(['taken']));
  const ones = Array.from({ length: 10 }, () => 1);
  for (let block = 0; block < 3; block += 1) {
    await relayer.send();
    expect(mine(relayer)).toEqual(ones);
  }
  expect(relayer.memory.pending.size).toBe(0);
});
