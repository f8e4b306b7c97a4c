import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { people } from '../../../dev/stack/people.ts';
import type { RunningServer } from '../../../dev/stack/server.ts';
import { type Stack, startStack } from '../../../dev/stack/stack.ts';
import { usdc } from '../../../dev/stack/usdc.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { startTroubledFacilitator, type TroubledFacilitator } from './faulty-facilitator.ts';
import { startTroubledNode, type TroubledNode } from './faulty-node.ts';
import type { ChaosOptions } from './options.ts';
import { TOOLS } from './tools.ts';
import type { Unrest } from './fault-source.ts';
import { type Runs, startUpstreamOf } from './upstream.ts';
import type { WorkerOptions } from './worker-options.ts';

/** How an account stands, as far as it is asked. */
export type Standing = {
  readonly known: boolean;
  readonly open?: number;
  readonly seq?: number;
  readonly exported?: number;
  readonly purses?: Readonly<Record<string, Readonly<Record<'held' | 'unsettled', string>>>>;
};

/** A stack of which every arrow is troubled. */
export type ChaosStage = {
  readonly stack: Stack;
  /** State directory of the gateway. */
  readonly directory: string;
  readonly facilitators: readonly TroubledFacilitator[];
  readonly nodes: readonly TroubledNode[];
  /** Another version of the Worker takes over. */
  readonly reload: () => Promise<void>;
  /** Ends what goes wrong inside the Worker, lets so many seconds pass there, and says how accounts stand. */
  readonly control: (options: {
    readonly calm?: boolean;
    readonly pass?: number;
    readonly accounts: readonly AccountId[];
  }) => Promise<readonly Standing[]>;
  readonly stop: () => Promise<void>;
  /** Removes what the gateway has stored, and its log. */
  readonly forget: () => Promise<void>;
};

/** Seconds. */
export const BLOCK_TIME = 2;
const [, own, ...FACILITATORS] = people.facilitators;
/** Our own key. */
export const RELAYER = own;
/** A re-organisation of two blocks takes nothing back that is final. */
const CONFIRMATIONS = '3';

const POLICY = JSON.stringify({
  perCall: '$5.00',
  exposure: '$1.00',
  rate: { limit: 100_000, seconds: 60 },
});

/** A module of the Worker. Another life is another text, which `wrangler dev` notices. */
const entryOf = (told: WorkerOptions, life: number): string => {
  const worker = JSON.stringify(join(import.meta.dirname, 'worker.ts'));
  return `// Life ${life}
import { heed } from ${worker};
export { AgentAccount, default, Relayer } from ${worker};
heed(${JSON.stringify(told)});
`;
};

export const startChaosStage = async (
  { seed, faults, relayer }: ChaosOptions,
  unrest: Unrest,
  runs: Runs,
): Promise<ChaosStage> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  const toolsFile = join(directory, 'tools.json');
  const entry = join(directory, 'entry.ts');
  await writeFile(toolsFile, JSON.stringify(TOOLS));
  const told: WorkerOptions = { seed, faults: [...faults] };
  await writeFile(entry, entryOf(told, 0));
  const upstream = await startUpstreamOf(runs);
  const nodes: TroubledNode[] = [];
  const facilitators: TroubledFacilitator[] = [];
  const stopOthers = async (): Promise<void> => {
    const servers: readonly RunningServer[] = [upstream, ...nodes, ...facilitators];
    await Promise.all(servers.map(async ({ stop }) => await stop()));
  };
  // Every other seed asks the facilitators first, or our own key would leave them little to do.
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
        for (const name of ['one', 'two']) nodes.push(await startTroubledNode(name, rpc, unrest));
        for (const [at, person] of FACILITATORS.entries()) {
          facilitators.push(
            await startTroubledFacilitator(`facilitator ${at}`, rpc, person, unrest),
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
              RELAYERS: JSON.stringify({ [usdc.network]: { address: RELAYER.address, first } }),
              RELAYER_KEY: RELAYER.privateKey,
            }
          : {}),
      },
    });
    const { gateway } = stack;
    let life = 0;
    return {
      stack,
      directory,
      facilitators,
      nodes,
      async reload() {
        life += 1;
        // In one step: `wrangler dev` watches it, and would build a Worker without objects from a file that is not written yet.
        await writeFile(`${entry}.new`, entryOf(told, life));
        await rename(`${entry}.new`, entry);
      },
      async control(options) {
        const response = await fetch(`${gateway.url}/_chaos`, {
          method: 'POST',
          body: JSON.stringify(options),
        });
        if (!response.ok) throw new Error(`the Worker does not do as told: ${response.status}`);
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
