import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { type Address, encodeFunctionData, type Hex, multicall3Abi, parseEther } from 'viem';
import {
  generatePrivateKey,
  type PrivateKeyAccount,
  privateKeyToAccount,
  privateKeyToAddress,
} from 'viem/accounts';
import { inject } from 'vitest';
import { nowSeconds } from '../../../src/core/clock.ts';
import { accountId } from '../../../src/protocol/account-id.ts';
import type { Payment, SettlementResult } from '../../../src/protocol/payment.ts';
import type { Relay, Relayed, RelayerStatus } from '../../../src/protocol/relayer-contract.ts';
import { type Node, openNode } from '../../../src/settlement/relayer/node.ts';
import type { SettlementEvent } from '../../../src/settlement/telemetry.ts';
import {
  type ChainAccess,
  connectChain,
  multicall3,
  usdc,
  usdcAbi,
} from '../../../dev/stack/chain-access.ts';
import type { RelayerContext, Subscribers } from '../../../durable-objects/relayer/context.ts';
import { type Loop, openLoop } from '../../../durable-objects/relayer/loop.ts';
import type { ReportRecord } from '../../../durable-objects/relayer/report-record.ts';
import { keySigner, type Setup } from '../../../durable-objects/relayer/setup.ts';
import { loadStored, openMemory, type Stored } from '../../../durable-objects/relayer/memory.ts';
import type { Disk } from '../../../durable-objects/store/disk.ts';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { payTo, signPayment } from '../../unit/settlement/real-chain.ts';
import { randomHex } from '../support.ts';

export const lower = <T extends Hex>(hex: T): T => hex.toLowerCase() as T;

/** Accounts with USDC, all funded in one transaction. */
export const payersOf = async (
  chain: ChainAccess,
  count: number,
  amount = 10_000n,
): Promise<readonly PrivateKeyAccount[]> => {
  const accounts = Array.from({ length: count }, () => privateKeyToAccount(generatePrivateKey()));
  const sender = privateKeyToAddress(generatePrivateKey());
  await chain.client.impersonateAccount({ address: sender });
  await chain.client.setBalance({ address: sender, value: parseEther('1') });
  const hash = await chain.client.writeContract({
    address: multicall3,
    abi: multicall3Abi,
    account: sender,
    functionName: 'aggregate3',
    args: [
      accounts.map(({ address }) => ({
        target: usdc.address,
        allowFailure: false,
        callData: encodeFunctionData({
          abi: usdcAbi,
          functionName: 'mint',
          args: [address, amount],
        }),
      })),
    ],
  });
  await mine(chain);
  const receipt = await chain.client.waitForTransactionReceipt({ hash });
  if (receipt.status !== 'success') throw new Error('minting failed');
  return accounts;
};

/** Makes one block on a chain without automatic mining. */
export const mine = async (chain: ChainAccess, blocks = 1): Promise<void> =>
  chain.client.mine({ blocks });

export const relayOf = (payment: Payment, sinceBlock = 0): Relay => ({
  account: accountId(payment.token.network, payment.authorization.from),
  call: payment.authorization.nonce,
  payment,
  sinceBlock,
});

/** A signed payment of 1000 units, as the settlement consumer presents it. */
export const relayFrom = async (
  payer: PrivateKeyAccount,
  changes: Parameters<typeof signPayment>[1] = {},
): Promise<Relay> => relayOf(await signPayment(payer, changes));

export type Notification = {
  readonly account: string;
  readonly results: readonly SettlementResult[];
};

/** A relayer in an object of its own. A test can make each of its dependencies fail. */
export type Bench = {
  readonly chain: ChainAccess;
  key: Hex;
  address: Address;
  /** How far the relayer's clock is ahead. */
  ahead: number;
  /** Overrides parts of the node. */
  node: Partial<Node>;
  subscribers: Partial<Subscribers>;
  setup: Partial<Setup>;
  readonly notified: Notification[];
  readonly recorded: ReportRecord[];
  readonly warned: Readonly<Record<string, string | number>>[];
  readonly events: SettlementEvent[];
  relay(relays: readonly Relay[], urgent?: boolean): Promise<readonly Relayed['verdict'][]>;
  onAlarm(): Promise<void>;
  status(): Promise<Extract<RelayerStatus, { verdict: 'found' }>>;
  /** Restarts the object, which loses everything that it has not stored. */
  crash(): Promise<void>;
  stored(): Promise<Stored>;
  rows(): number;
  alarm(): Promise<number | null>;
  tables(): Promise<readonly string[]>;
  inObject<T>(work: (storage: DurableObjectStorage) => Promise<T> | T): Promise<T>;
};

let benches = 0;

export const openBench = async (
  options: {
    readonly rpc?: string;
    readonly balance?: bigint;
    readonly setup?: Partial<Setup>;
  } = {},
): Promise<Bench> => {
  const rpc = options.rpc ?? inject('rpc');
  const isManual = rpc === inject('manualRpc') || rpc === inject('restartRpc');
  const chain = connectChain(rpc);
  const freshKey = async (): Promise<{ key: Hex; address: Address }> => {
    const key = generatePrivateKey();
    const address = lower(privateKeyToAddress(key));
    await chain.client.setBalance({ address, value: options.balance ?? parseEther('10') });
    return { key, address };
  };
  benches += 1;
  // The name is no network, so the object does not start its own relayer.
  const stub = env.RELAYER.getByName(`bench ${benches} ${randomHex(4)}`);
  let loop: Loop | undefined;
  let disk: Disk | undefined;

  const inObject = async <T>(work: (storage: DurableObjectStorage) => Promise<T> | T): Promise<T> =>
    runInDurableObject(stub, async (_, state) => work(state.storage));

  const open = (storage: DurableObjectStorage): Loop => {
    if (loop !== undefined) return loop;
    disk = openDisk(storage);
    const { address, key } = bench;
    const node = openNode([rpc], address);
    const context: RelayerContext = {
      disk,
      memory: openMemory(loadStored(disk)),
      now: () => nowSeconds() + bench.ahead,
      setup: {
        network: usdc.network,
        chainId: 84532,
        token: usdc,
        payees: [payTo],
        facilitates: [],
        urls: [rpc],
        confirmations: 1,
        address,
        keys: 1,
        batch: 100,
        wait: 0,
        maxFeePerGas: 50_000_000_000n,
        sign: async (unsigned) => (bench.setup.sign ?? keySigner(key))(unsigned),
        gateway: accountId(usdc.network, payTo),
        ...options.setup,
      },
      node: {
        facts: async () => (bench.node.facts ?? node.facts)(),
        payers: async (of) => (bench.node.payers ?? node.payers)(of),
        simulate: async (trials) => (bench.node.simulate ?? node.simulate)(trials),
        used: async (token, of) => (bench.node.used ?? node.used)(token, of),
        query: async (questions) => (bench.node.query ?? node.query)(questions),
        send: async (raw) => (bench.node.send ?? node.send)(raw),
      },
      subscribers: {
        notify: async (account, results) => {
          if (bench.subscribers.notify !== undefined)
            return bench.subscribers.notify(account, results);
          bench.notified.push({ account, results });
          return true;
        },
        recordRelay: async (report) => {
          if (bench.subscribers.recordRelay !== undefined)
            return bench.subscribers.recordRelay(report);
          bench.recorded.push(report);
        },
        alertLowGas: async (detail) => {
          if (bench.subscribers.alertLowGas !== undefined)
            return bench.subscribers.alertLowGas(detail);
          bench.warned.push(detail);
          return true;
        },
        emit: (event) => bench.events.push(event),
      },
    };
    loop = openLoop(context, storage);
    return loop;
  };

  const bench: Bench = {
    chain,
    ...(await freshKey()),
    ahead: 0,
    node: {},
    subscribers: {},
    setup: {},
    notified: [],
    recorded: [],
    warned: [],
    events: [],
    relay: async (relays, urgent = false) =>
      inObject(async (storage) =>
        (await open(storage).relay(relays, urgent)).map(({ verdict }) => verdict),
      ),
    // As in the runtime, an alarm that runs is no longer set.
    onAlarm: async () =>
      inObject(async (storage) => {
        await storage.deleteAlarm();
        await open(storage).onAlarm();
        if (isManual) return;
        // The chain mines each transaction at once, but that takes a moment, and tests count the rounds.
        const { flights } = loadStored(openDisk(storage));
        await Promise.all(
          flights.map(async ({ attempts }) =>
            chain.client.waitForTransactionReceipt({ hash: attempts[0].hash }),
          ),
        );
      }),
    status: async () =>
      inObject(async (storage) => {
        const status = await open(storage).status();
        if (status.verdict !== 'found') throw new Error('no relayer');
        return status;
      }),
    async crash() {
      loop = undefined;
    },
    stored: async () => inObject((storage) => loadStored(openDisk(storage))),
    rows: () => disk?.rowsWritten() ?? 0,
    alarm: async () => inObject(async (storage) => storage.getAlarm()),
    tables: async () =>
      inObject((storage) =>
        storage.sql
          .exec<{ name: string }>(
            `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'`,
          )
          .toArray()
          .map(({ name }) => name),
      ),
    inObject,
  };
  return bench;
};

/** Runs the alarm until nothing is pending. */
export const alarmUntilIdle = async (bench: Bench, most = 20): Promise<void> => {
  for (let round = 0; round < most; round += 1) {
    const { pending, flights, reports } = await bench.stored();
    if (pending.length + flights.length + reports.length === 0) return;
    await bench.onAlarm();
    bench.ahead += 1;
  }
  throw new Error(`still pending after ${most} rounds`);
};

/** The calls of which accounts were notified as settled. */
export const settledCalls = ({ notified }: Bench): readonly string[] =>
  notified.flatMap(({ results }) =>
    results.filter(({ outcome }) => outcome === 'settled').map(({ call }) => call),
  );

/** The calls of payments, sorted. */
export const callsOf = (relays: readonly { readonly call: string }[]) =>
  relays.map(({ call }) => call).toSorted();

/** Runs the alarm until nothing is pending. Returns the settled calls, sorted. */
export const settle = async (bench: Bench): Promise<readonly string[]> => {
  await alarmUntilIdle(bench);
  return settledCalls(bench).toSorted();
};
