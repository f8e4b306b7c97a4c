import type { Address, Hex } from '../../../src/core/hex.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import type { ChainQuery } from '../../../src/settlement/chain/query.ts';
import type { Facts, Node } from '../../../src/settlement/relayer/node.ts';
import { addressOfPrivateKey } from '../../../src/settlement/relayer/transaction.ts';
import { confirm } from '../../../durable-objects/relayer/confirm.ts';
import type { RelayerContext } from '../../../durable-objects/relayer/context.ts';
import { noCounters } from '../../../durable-objects/relayer/counters.ts';
import { dispatch } from '../../../durable-objects/relayer/dispatch.ts';
import { take } from '../../../durable-objects/relayer/intake.ts';
import { openMemory } from '../../../durable-objects/relayer/memory.ts';
import { keySigner } from '../../../durable-objects/relayer/setup.ts';
import type { Write } from '../../../durable-objects/store/noun.ts';
import { NOTHING } from '../../../durable-objects/store/overlay.ts';

const KEY: Hex = `0x${'11'.repeat(32)}`;

const NETWORK = 'eip155:84532';

const TOKEN = {
  network: NETWORK,
  address: `0x${'a0'.repeat(20)}`,
  name: 'USDC',
  version: '2',
} as const;

const PAY_TO: Address = `0x${'b0'.repeat(20)}`;

export const MWEI = 1_000_000n;

export const keyNumber = (id: number): Address => `0x${id.toString(16).padStart(40, '1')}`;

export const codeNumber = (id: number): Address => `0x${id.toString(16).padStart(40, 'c')}`;

/** A payment of 1000 units. A payer whose address begins with c has code. */
export const relayNumber = (id: number, from: Address, validBefore: number): Relay => {
  const nonce: Hex = `0x${id.toString(16).padStart(64, '0')}`;
  return {
    account: `${NETWORK}:${from}`,
    call: nonce,
    sinceBlock: 1,
    payment: {
      token: TOKEN,
      authorization: {
        from,
        to: PAY_TO,
        value: 1_000n,
        validAfter: 0n,
        validBefore: BigInt(validBefore),
        nonce,
      },
      signature: `0x${'11'.repeat(65)}`,
      maxTimeoutSeconds: 3_600,
    },
  };
};

/** A relayer without a Durable Object: the test provides chain, clock and storage. */
export const scene = (setup: Partial<RelayerContext['setup']> = {}) => {
  const world = {
    now: 1_000_000_000,
    block: 100,
    baseFee: 10n * MWEI,
    count: 0,
    blockGas: 30_000_000,
    reverts: (_: Address): boolean => false,
    /** Payers whose payments were simulated, one per trial. */
    tried: [] as string[],
    payersAsked: 0,
    written: [] as Write[],
  };
  const memory = openMemory({ pending: [], flights: [], reports: [], counters: noCounters });
  const facts = (): Facts => ({
    head: { number: world.block, timestamp: world.now },
    market: { baseFee: world.baseFee, tip: MWEI },
    count: world.count,
    balance: 10n ** 18n,
    blockGas: world.blockGas,
  });
  const answer = ({ calls }: ChainQuery<unknown>): unknown =>
    calls[0]?.method === 'eth_getTransactionCount'
      ? {
          dead: false,
          mined: {
            receipt: {
              succeeded: false,
              block: world.block,
              transaction: String(calls[1]?.params[0]),
              logs: [],
            },
            gasUsed: 600_000,
            fee: 1n,
          },
        }
      : { number: world.block, timestamp: world.now };
  const node: Node = {
    facts: async () => facts(),
    payers: async (of) => {
      world.payersAsked += 1;
      return new Map(of.map((one) => [one, one.startsWith('0xc') ? 'contract' : 'key']));
    },
    simulate: async (trials) =>
      trials.map(({ data }) => {
        const from: Address = `0x${data.slice(34, 74)}`;
        world.tried.push(from);
        return world.reverts(from)
          ? { kind: 'reverted' as const }
          : { kind: 'returned' as const, data: '0x' as const };
      }),
    used: async (_, of) => of.map(() => false),
    query: async (questions) =>
      questions.map((question) => ({ ok: true, value: answer(question) }) as never),
    send: async () => undefined as never,
  };
  const context: RelayerContext = {
    node,
    memory,
    now: () => world.now,
    disk: {
      ...NOTHING,
      brief: () => [],
      write: (writes) => void world.written.push(...writes),
      entriesAfter: () => [],
      forget: () => undefined,
      close: () => undefined,
      check: () => undefined,
      characters: () => 0,
      exists: () => false,
      rowsWritten: () => 0,
      compact: () => undefined,
      countRow: () => undefined,
    },
    subscribers: {
      notify: async () => true,
      recordRelay: async () => undefined,
      alertLowGas: async () => true,
      emit: () => undefined,
    },
    setup: {
      network: NETWORK,
      chainId: 84532,
      token: TOKEN,
      payees: [PAY_TO],
      facilitates: [],
      urls: ['https://node.test/'],
      confirmations: 1,
      address: addressOfPrivateKey(KEY),
      keys: 1,
      batch: 1,
      wait: 0,
      maxFeePerGas: 100n * MWEI,
      sign: keySigner(KEY),
      gateway: `${NETWORK}:${PAY_TO}`,
      ...setup,
    },
  };
  const give = (relays: readonly Relay[], urgent = false) => {
    memory.facts = { facts: facts(), at: world.now };
    return take(context, relays, urgent);
  };
  /** Mines every open transaction, without moving any payment. */
  const mineInVain = async (): Promise<void> => {
    world.count += memory.flights.size;
    world.block += 1;
    world.now += 1;
    await confirm(context, facts());
  };
  const send = async (): Promise<void> => dispatch(context, facts());
  return { world, memory, context, facts, give, mineInVain, send };
};
