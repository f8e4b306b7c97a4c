import { type Hex, parseGwei } from 'viem';
import { connectChain } from '../../../dev/stack/chain-access.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import { readUnsigned } from '../../../src/settlement/relayer/transaction.ts';
import { type Bench, mine, openBench, payersOf, relayFrom } from './support.ts';

/**
 * A relayer on a chain that mines only on request, so that tests control what happens between blocks. Each chain belongs to one test file.
 */
export const openMinedChain = (rpc: string) => {
  const chain = connectChain(rpc);

  const open = async (setup: Parameters<typeof openBench>[0] = {}): Promise<Bench> =>
    openBench({ rpc, ...setup });

  const relaysOf = async (count: number): Promise<readonly Relay[]> =>
    Promise.all((await payersOf(chain, count)).map(async (payer) => relayFrom(payer)));

  /** Runs alarms with a block after each, until nothing is pending. */
  const finish = async (bench: Bench, most = 30): Promise<void> => {
    for (let round = 0; round < most; round += 1) {
      await bench.onAlarm();
      const { pending, flights, reports } = await bench.stored();
      if (pending.length + flights.length + reports.length === 0) return;
      await mine(chain);
      bench.ahead += 2;
    }
    throw new Error(`still pending after ${most} rounds`);
  };

  const balances = async (relays: readonly Relay[]): Promise<readonly bigint[]> =>
    Promise.all(relays.map(async ({ payment }) => chain.balanceOf(payment.authorization.from)));

  const sendRaw = async (serializedTransaction: Hex): Promise<string | undefined> => {
    try {
      await chain.client.sendRawTransaction({ serializedTransaction });
      return undefined;
    } catch (cause) {
      return String(cause);
    }
  };

  /** Records, by nonce, the calldata of every transaction that the relayer broadcasts from now on. */
  const watchSends = (bench: Bench): Map<number, Set<Hex>> => {
    const sent = new Map<number, Set<Hex>>();
    const before = bench.node.send;
    bench.node = {
      ...bench.node,
      send: async (raw) => {
        const { nonce, data } = readUnsigned(raw);
        sent.set(nonce, (sent.get(nonce) ?? new Set()).add(data));
        return before === undefined ? sendRaw(raw) : before(raw);
      },
    };
    return sent;
  };

  /** Mines one block, which resets the fees that the last test changed. */
  const resetFees = async (): Promise<void> => {
    await chain.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
    await mine(chain);
  };

  return { chain, open, relaysOf, finish, balances, sendRaw, watchSends, resetFees };
};

export const callsOf = (relays: readonly Relay[]) => relays.map(({ call }) => call).toSorted();

export const flightsOf = async (bench: Bench) => (await bench.stored()).flights;
