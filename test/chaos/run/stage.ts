import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { people } from '../../../dev/stack/people.ts';
import type { RunningServer } from '../../../dev/stack/loopback.ts';
import { type Stack, startStack } from '../../../dev/stack/stack.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { startFaultyFacilitator, type FaultyFacilitator } from './faulty-facilitator.ts';
import { startFaultyNode, type FaultyNode } from './faulty-node.ts';
import type { ChaosOptions, WorkerOptions } from './options.ts';
import { TOOLS } from './tools.ts';
import type { FaultSource } from './fault-source.ts';
import { type Runs, startUpstreamOf } from './upstream.ts';

/** The part of an account's snapshot that a run reads. */
export type Standing = {
  readonly known: boolean;
  readonly open?: number;
  readonly seq?: number;
  readonly exported?: number;
  readonly purses?: Readonly<Record<string, Readonly<Record<'held' | 'unsettled', string>>>>;
};

/** A stack in which every component may fail. */
export type ChaosStage = {
  readonly stack: Stack;
  /** State directory of the gateway. */
  readonly directory: string;
  readonly facilitators: readonly FaultyFacilitator[];
  readonly nodes: readonly FaultyNode[];
  /** Stops every isolate and object in the middle of its work, as a deployment may, and starts the Worker again on its state. */
  readonly reload: () => Promise<void>;
  /** Ends the faults inside the Worker, moves its clock forward by `pass` seconds, and returns the state of accounts. */
  readonly control: (options: {
    readonly calm?: boolean;
    readonly pass?: number;
    readonly accounts: readonly AccountId[];
  }) => Promise<readonly Standing[]>;
  readonly stop: () => Promise<void>;
  /** Removes the gateway's state and log. */
  readonly forget: () => Promise<void>;
};

/** Seconds. */
export const BLOCK_TIME = 2;
const [, own, ...FACILITATORS] = people.facilitators;
/** The relayer's key, which the operator owns. */
export const RELAYER = own;
/** Greater than the depth of a reorganisation, so that final blocks stay. */
const CONFIRMATIONS = '3';

const POLICY = JSON.stringify({
  perCall: '$5.00',
  exposure: '$1.00',
  rate: { limit: 100_000, seconds: 60 },
});

/** The Worker's entry module. */
const entryOf = (options: WorkerOptions): string => {
  const worker = JSON.stringify(join(import.meta.dirname, 'worker.ts'));
  return `import { configure } from ${worker};
export { AgentAccount, AuditLog, default, Relayer } from ${worker};
configure(${JSON.stringify(options)});
`;
};

export const startChaosStage = async (
  { seed, faults, relayer }: ChaosOptions,
  faultSource: FaultSource,
  runs: Runs,
): Promise<ChaosStage> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  const toolsFile = join(directory, 'tools.json');
  const entry = join(directory, 'entry.ts');
  await writeFile(toolsFile, JSON.stringify(TOOLS));
  const workerOptions: WorkerOptions = { seed, faults: [...faults] };
  await writeFile(entry, entryOf(workerOptions));
  const upstream = await startUpstreamOf(runs);
  const nodes: FaultyNode[] = [];
  const facilitators: FaultyFacilitator[] = [];
  const stopOthers = async (): Promise<void> => {
    const servers: readonly RunningServer[] = [upstream, ...nodes, ...facilitators];
    await Promise.all(servers.map(async ({ stop }) => await stop()));
  };
  // With every second seed, facilitators come first in the order. Otherwise the relayer would leave them few payments.
  const first = seed % 2 === 0;
  try {
    const stack = await startStack({
      blockTime: BLOCK_TIME,
      persistTo: directory,
      file: join(directory, 'stack.json'),
      toolsFile,
      entry,
      shield: 10_000_000,
      wire: async ({ rpc }) => {
        for (const name of ['one', 'two'])
          nodes.push(await startFaultyNode(name, rpc, faultSource));
        for (const [at, person] of FACILITATORS.entries()) {
          facilitators.push(
            await startFaultyFacilitator(`facilitator ${at}`, rpc, person, faultSource),
          );
        }
        return {
          rpc: nodes[0]?.url ?? rpc,
          facilitators: facilitators.map(({ url }) => url),
          upstream: upstream.url,
          variables: {
            RPC_URLS: JSON.stringify({ [usdc.network]: nodes.map(({ url }) => url) }),
            FACILITATORS: JSON.stringify(
              facilitators.map(({ url }) => ({ url, networks: [usdc.network], concurrency: 32 })),
            ),
          },
        };
      },
      variables: {
        CONFIRMATIONS,
        DEFAULT_POLICY: POLICY,
        ...(relayer
          ? {
              RELAYERS: JSON.stringify({ [usdc.network]: { addresses: [RELAYER.address], first } }),
              RELAYER_KEY: RELAYER.privateKey,
            }
          : {}),
      },
    });
    const { gateway } = stack;
    return {
      stack,
      directory,
      facilitators,
      nodes,
      reload: async () => await gateway.restart(),
      async control(options) {
        const response = await fetch(`${gateway.url}/_chaos`, {
          method: 'POST',
          body: JSON.stringify(options),
        });
        if (!response.ok) throw new Error(`the Worker answered /_chaos with ${response.status}`);
        return (await response.json()) as readonly Standing[];
      },
      async stop() {
        await stack.stop();
        await stopOthers();
      },
      forget: async () => await rm(directory, { recursive: true, force: true }),
    };
  } catch (error) {
    await stopOthers();
    throw error;
  }
};
