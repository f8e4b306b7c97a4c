import { rm } from 'node:fs/promises';
import { getAddress } from 'viem';
import { type Chain, startChain } from './chain.ts';
import { CHAIN_ID, usdc } from './chain-access.ts';
import { startFacilitator } from './facilitator.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { people } from './people.ts';
import { freePort, type Handler, LOOPBACK, portTaken, type RunningServer } from './loopback.ts';
import type { Exit } from './process.ts';
import {
  newRunDirectory,
  removeStackFile,
  type StackDescription,
  writeStackFile,
} from './stack-directory.ts';
import { readTools, type ToolEntry, TOOLS_FILE } from './tools.ts';
import { startUpstream, type Upstream } from '../upstream/upstream.ts';

/** URLs of the other parts, as the gateway is configured with them. */
export type Wiring = {
  readonly rpc: string;
  readonly facilitators: readonly string[];
  readonly upstream: string;
};

export type StackOptions = {
  /** Port of the gateway; a free one by default. */
  readonly port?: number;
  /** Seconds between blocks; by default each transaction gets a block. */
  readonly blockTime?: number;
  /** Directory of the gateway's state, which outlives the stack. By default a new directory, which `stop` removes. */
  readonly persistTo?: string;
  /** Path of the description; by default `.dev/stack.json`, unless another running stack uses it. */
  readonly file?: string;
  /** Variables of the gateway, e.g. `DEFAULT_POLICY`. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Requests per ten seconds and client that the rate limit lets through. */
  readonly shield?: number;
  /** Main module of the Worker, `src/index.ts` by default. */
  readonly entry?: string;
  /** Absolute path of the tools to sell, `tools.json` by default. */
  readonly toolsFile?: string;
  /** Intercepts requests from the gateway to the facilitator, in this process. */
  readonly wrapFacilitator?: (real: Handler) => Handler;
  /** Inserts proxies between the gateway and the other parts: maps the real URLs to those that the gateway uses, and may add variables. */
  readonly wire?: (
    real: Wiring,
  ) => Promise<Wiring & { readonly variables?: Readonly<Record<string, string>> }>;
  /** Called when a part runs. */
  readonly onProgress?: (part: string, where: string, milliseconds: number) => void;
};

/** A running stack. */
export type Stack = {
  readonly description: StackDescription;
  /** Path of the file that holds the description. */
  readonly file: string;
  readonly chain: Chain;
  readonly facilitator: RunningServer;
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  /** Resolves with a message when a part crashed and the others are stopped. Never rejects. */
  readonly crashed: Promise<string>;
  readonly stop: () => Promise<void>;
};

const describe = (
  parts: Pick<Stack, 'chain' | 'facilitator' | 'upstream' | 'gateway'>,
  tools: readonly ToolEntry[],
): StackDescription => ({
  gateway: parts.gateway.url,
  audience: parts.gateway.audience,
  rpc: parts.chain.rpc,
  chainId: CHAIN_ID,
  facilitator: parts.facilitator.url,
  upstream: parts.upstream.url,
  usdc: getAddress(usdc.address),
  payTo: people.payTo,
  operator: people.operator,
  owner: people.owner,
  agent: people.agent,
  agents: people.agents,
  tools: tools.map(({ id, method, path, price, settlement }) => ({
    id,
    method,
    price,
    settlement,
    url: parts.gateway.url + path.replace(/\*$/, ''),
  })),
});

/** Stops the started parts in reverse order, at the end or when one crashes. */
const newCleanup = () => {
  const steps: (() => Promise<void>)[] = [];
  let ended: Promise<void> | undefined;
  let report: (message: string) => void = () => {};
  const crashed = new Promise<string>((resolve) => {
    report = resolve;
  });
  const end = async (): Promise<void> => {
    ended ??= (async () => {
      for (const step of steps.toReversed()) await step();
    })();
    await ended;
  };
  let crash: string | undefined;
  const onCrash = (part: string, output: () => string) => (exit: Exit) => {
    if (exit.expected || ended !== undefined) return;
    const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
    crash ??= `${part} ended ${how}; the end of its output:\n${output().trim().slice(-2000)}`;
    const message = crash;
    void end().then(() => report(message));
  };
  return { steps, end, crashed, onCrash, crash: () => crash };
};

const boot = async (
  options: StackOptions,
  cleanup: ReturnType<typeof newCleanup>,
): Promise<Omit<Stack, 'crashed' | 'stop'>> => {
  const tools = await readTools(options.toolsFile ?? TOOLS_FILE);
  if (options.port !== undefined && (await portTaken(options.port)))
    throw new Error(`port ${options.port} is taken`);
  const port = options.port ?? (await freePort());

  /** Starts one part, registers its `stop`, and reports how long the start took. */
  const part = async <T extends { stop: () => Promise<void> }>(
    name: string,
    where: (started: T) => string,
    start: () => Promise<T>,
  ): Promise<T> => {
    const from = performance.now();
    const started = await start();
    cleanup.steps.push(started.stop);
    const crash = cleanup.crash();
    if (crash !== undefined) throw new Error(crash);
    options.onProgress?.(name, where(started), Math.round(performance.now() - from));
    return started;
  };

  const { blockTime, wrapFacilitator: wrap, persistTo } = options;
  const chain = await part(
    'chain',
    ({ rpc }) => rpc,
    async () => await startChain(blockTime === undefined ? {} : { blockTime }),
  );
  void chain.exited.then(cleanup.onCrash('the chain (anvil)', chain.output));
  const facilitator = await part(
    'facilitator',
    ({ url }) => url,
    async () => await startFacilitator({ rpc: chain.rpc, ...(wrap === undefined ? {} : { wrap }) }),
  );
  const upstream = await part(
    'upstream',
    ({ url }) => url,
    async () => await startUpstream({ gateway: `http://${LOOPBACK}:${port}` }),
  );
  const real = { rpc: chain.rpc, facilitators: [facilitator.url], upstream: upstream.url };
  const wiring = (await options.wire?.(real)) ?? { ...real, variables: {} };
  const directory = persistTo ?? (await newRunDirectory());
  let output = () => '';
  const gateway = await part(
    'gateway',
    ({ url }) => url,
    async () =>
      await startGateway({
        port,
        persistTo: directory,
        rpc: wiring.rpc,
        facilitators: wiring.facilitators,
        upstreamUrl: wiring.upstream,
        payTo: people.payTo,
        onCrash: (exit) => cleanup.onCrash('the gateway (wrangler dev)', output)(exit),
        variables: {
          OPERATORS: people.operator.address,
          ...wiring.variables,
          ...options.variables,
        },
        ...(options.shield === undefined ? {} : { shield: options.shield }),
        ...(options.entry === undefined ? {} : { entry: options.entry }),
        ...(options.toolsFile === undefined ? {} : { toolsFile: options.toolsFile }),
      }),
  );
  output = gateway.output;
  const description = describe({ chain, facilitator, upstream, gateway }, tools);
  const file = await writeStackFile(description, options.file);
  cleanup.steps.push(async () => await removeStackFile(file, gateway.url));
  // After a crash the log stays for the developer to read.
  if (persistTo === undefined)
    cleanup.steps.unshift(async () => {
      if (cleanup.crash() === undefined) await rm(directory, { recursive: true, force: true });
    });
  return { description, file, chain, facilitator, upstream, gateway };
};

/**
 * Starts chain, facilitator, upstream and gateway, and writes their description. All processes end with this one.
 *
 * @throws Error when a part does not start, after the others are stopped.
 */
export const startStack = async (options: StackOptions = {}): Promise<Stack> => {
  const cleanup = newCleanup();
  try {
    const parts = await boot(options, cleanup);
    return { ...parts, crashed: cleanup.crashed, stop: cleanup.end };
  } catch (error) {
    await cleanup.end();
    throw error;
  }
};
