import { beforeEach, describe, expect, test, vi } from 'vitest';
import { REORG_MARGIN } from '../../../../src/settlement/chain/expected-transfer.ts';
import { NOW, OTHER, paymentNumber } from '../scripted.ts';
import { answerHosts, transferLog, usedLog } from '../scripted-chain.ts';
import { payment, see, world, useObserveWorld } from './observe-world.ts';

useObserveWorld();

describe('a node that limits the ranges of eth_getLogs', () => {
  const { nonce } = payment.authorization;
  const toOther = (): string =>
    world.chain.emit([usedLog(payment), transferLog(payment, { to: OTHER })], [nonce]);
  const ranges = (batch: number) =>
    (world.chain.batches[batch] ?? [])
      .filter(({ method }) => method === 'eth_getLogs')
      .map(({ params }) => params[0] as { fromBlock: string; toBlock: string });

  beforeEach(() => {
    world.chain.state.maxRange = 2_000;
  });

  test('an unused nonce needs no log', async () => {
    world.chain.mineMany(2_500);
    world.chain.balances.set(payment.authorization.from, 7n);
    expect(await see(payment)).toMatchObject({ kind: 'unused', balance: 7n });
    world.chain.mineMany(1_200);
    expect(await see(payment)).toMatchObject({ kind: 'unused', headTime: NOW + 3_700 });
    expect(world.chain.batches.map((batch) => batch.length)).toEqual([4, 4, 3]);
  });

  test.each([
    ['in the first window', 100],
    ['at the end of the first window', 1_934],
    ['at the start of the second', 1_935],
    ['in the last block of the first batch', 3_934],
    ['in the first block of the second batch', 3_935],
    ['in the fifth', 65_000],
  ])('finds a settlement %s, many hours later', async (_, before) => {
    const long = paymentNumber(1, { validBefore: BigInt(NOW + 80_000) });
    world.chain.mineMany(before);
    const transaction = world.chain.pay(long);
    world.chain.mineMany(90_000);
    expect(await see(long)).toEqual({ kind: 'settled', transaction, block: before + 101 });
  });

  test('finds a nonce that was spent on another receiver, many hours later', async () => {
    world.chain.mineMany(10);
    const transaction = toOther();
    world.chain.mineMany(20_000);
    expect(await see(payment)).toEqual({ kind: 'spent_otherwise', transaction });
  });

  test('reads whole, adjacent windows up to the first batch past validBefore', async () => {
    world.chain.emit([], [nonce]);
    world.chain.mineMany(50_000);
    await see(payment, 1, 20_000);
    const read = [...ranges(2), ...ranges(1)].map(({ fromBlock, toBlock }) => [
      Number(fromBlock),
      Number(toBlock),
    ]);
    expect(read[0]).toEqual([3_936, 5_935]);
    expect(read.at(-1)).toEqual([21_936, 23_935]);
    for (const [at, [from, to]] of read.entries()) {
      expect((to ?? 0) - (from ?? 0)).toBe(1_999);
      if (at > 0) expect(from).toBe((read[at - 1]?.[1] ?? 0) + 1);
    }
    expect(world.chain.batches).toHaveLength(3);
  });

  describe('no log in the whole range that could hold a settlement', () => {
    beforeEach(() => {
      world.chain.emit([], [nonce]);
    });

    test('means spent before acceptance, once a deep block is past validBefore', async () => {
      world.chain.mineMany(3_600 + REORG_MARGIN - 1);
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
      world.chain.mine();
      expect(await see(payment)).toEqual({ kind: 'spent_otherwise' });
    });

    test('reads deeper with more confirmations', async () => {
      world.chain.mineMany(3_600 + 98);
      expect(await see(payment, 100)).toMatchObject({ kind: 'unknown' });
      world.chain.mine();
      expect(await see(payment, 100)).toEqual({ kind: 'spent_otherwise' });
    });

    test('even if the blocks before acceptance are no longer available', async () => {
      world.chain.mineMany(30_000);
      const real = world.chain.respond;
      vi.restoreAllMocks();
      answerHosts({
        'node.test': (body) =>
          world.chain.batches.length < 2 ? real(body) : new Response('', { status: 500 }),
      });
      expect(await see(payment, 1, 20_000)).toEqual({ kind: 'spent_otherwise' });
    });

    test('means nothing if one window is refused', async () => {
      world.chain.mineMany(30_000);
      world.chain.state.maxRange = 1_999;
      expect(await see(payment, 1, 20_000)).toMatchObject({ kind: 'unknown' });
      expect(world.chain.batches).toHaveLength(2);
    });

    test('means nothing if the node returns another block than the deep one', async () => {
      world.chain.mineMany(5_000);
      const real = world.chain.respond;
      vi.restoreAllMocks();
      answerHosts({
        'node.test': (body) => {
          const text = JSON.stringify(body).replaceAll(/"0x[0-9a-f]+",false/g, '"latest",false');
          return real(JSON.parse(text));
        },
      });
      expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    });

    test('means nothing if the blocks are too many to read', async () => {
      const longest = paymentNumber(1, { validBefore: BigInt(NOW + 95_000) });
      world.chain.mineMany(100_000);
      expect(await see(longest)).toMatchObject({ kind: 'unknown' });
    });

    test('means nothing if the nonce is unused in the final block', async () => {
      const fresh = paymentNumber(2);
      world.chain.mineMany(9_000);
      world.chain.emit([], [fresh.authorization.nonce]);
      expect(await see(fresh, 2)).toMatchObject({ kind: 'unknown' });
      world.chain.mine();
      expect(await see(fresh, 2)).toEqual({ kind: 'spent_otherwise' });
    });
  });
});
