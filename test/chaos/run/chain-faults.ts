import { setTimeout as pause } from 'node:timers/promises';
import { type Address, type Hex, parseEther } from 'viem';
import type { ChainClient } from '../../../dev/stack/chain-access.ts';
import type { Random } from '../../falsify/random.ts';

/** Faults of the chain. */
export type ChainFaults = {
  /** Stops block production for a time in milliseconds. */
  readonly stall: (milliseconds: number) => Promise<void>;
  /** Raises the base fee to 200 times the usual for some blocks. */
  readonly spike: (blocks: number) => Promise<void>;
  /** Sets the relayer's ether to zero for a time in milliseconds. */
  readonly emptyRelayer: (milliseconds: number) => Promise<void>;
  /** Removes a transaction from the pool. Resolves to false if the pool is empty. */
  readonly drop: (random: Random) => Promise<boolean>;
  /** Reverts the last two blocks. Their transactions enter other blocks, return to the pool, or are lost. */
  readonly reorganise: (random: Random) => Promise<void>;
};

const DEPTH = 2;
const USUAL_FEE = '0x3b9aca00';
const SPIKE_FEE = '0x2e90edd000';

export const chainFaultsOf = (
  client: ChainClient,
  blockTime: number,
  relayer: Address,
): ChainFaults => {
  const rpc = async <T>(method: string, params: readonly unknown[]): Promise<T> =>
    await (client.request as (call: object) => Promise<T>)({ method, params });
  return {
    async stall(milliseconds) {
      await rpc('anvil_setIntervalMining', [0]);
      await pause(milliseconds);
      await rpc('anvil_setIntervalMining', [blockTime]);
    },
    async spike(blocks) {
      for (let left = blocks; left > 0; left -= 1) {
        await rpc('anvil_setNextBlockBaseFeePerGas', [SPIKE_FEE]);
        await pause(blockTime * 1000);
      }
      await rpc('anvil_setNextBlockBaseFeePerGas', [USUAL_FEE]);
    },
    async emptyRelayer(milliseconds) {
      await client.setBalance({ address: relayer, value: 0n });
      await pause(milliseconds);
      await client.setBalance({ address: relayer, value: parseEther('1000') });
    },
    async drop(random) {
      const { pending } = await rpc<{ pending: Record<string, Record<string, { hash: Hex }>> }>(
        'txpool_content',
        [],
      );
      const [first, ...more] = Object.values(pending).flatMap((own) => Object.values(own));
      if (first === undefined) return false;
      await rpc('anvil_dropTransaction', [random.pick([first, ...more]).hash]);
      return true;
    },
    async reorganise(random) {
      const balance = await client.getBalance({ address: relayer });
      const head = await client.getBlockNumber();
      const raws: Hex[] = [];
      for (let number = head - BigInt(DEPTH) + 1n; number <= head; number += 1n) {
        const { transactions } = await client.getBlock({ blockNumber: number });
        for (const hash of transactions) {
          raws.push(await rpc<Hex>('eth_getRawTransactionByHash', [hash]));
        }
      }
      const kept = random.chance(0.3) ? raws.filter(() => random.chance(0.7)) : raws;
      const comesBack = random.chance(0.5);
      await rpc('anvil_reorg', [
        DEPTH,
        comesBack && kept.length === raws.length ? kept.map((raw) => [raw, DEPTH - 1]) : [],
      ]).catch(async () => await rpc('anvil_reorg', [DEPTH, []]));
      // `setBalance` is no transaction: if its block is reverted, the relayer's ether is lost permanently.
      await client.setBalance({ address: relayer, value: balance });
      // The node rejects transactions that are already in a block again.
      for (const raw of kept) await rpc('eth_sendRawTransaction', [raw]).catch(() => undefined);
    },
  };
};
