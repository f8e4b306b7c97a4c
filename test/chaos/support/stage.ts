import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '../../../dev/stack/loopback.ts';
import { people } from '../../../dev/stack/people.ts';
import { type Stack, type StackOptions, startStack } from '../../../dev/stack/stack.ts';
import { type Intercept, type Party, startProxy } from './proxy.ts';

/** A stack whose gateway reaches chain, facilitator and upstream only through proxies. */
export type Stage = {
  readonly stack: Stack;
  /** State directory of the gateway. */
  readonly directory: string;
  readonly stop: () => Promise<void>;
};

/** Prices of `TOOLS` in atomic units. */
export const PRICES = {
  ...{ deferred: 10_000n, upfront: 50_000n, failing: 10_000n },
  /** The most that a stream of the stand-in model costs. A token costs a unit. */
  ...{ streamed: 10_000n, kept: 20_000n },
} as const;
export type ToolName = keyof typeof PRICES;

const meter = { usage: 'openai', rates: { output_tokens: '$0.000001' }, missing: 'max' };

/** Upstream path of the stand-in model. */
export const MODEL = '/model';

const tool = (id: ToolName, upstream: string) => ({
  id,
  method: 'GET',
  path: `/${id}/*`,
  description: `A tool of the chaos tests: ${id}.`,
  price: upstream === MODEL ? { max: `${PRICES[id]}u`, meter } : `${PRICES[id]}u`,
  settlement: id === 'upfront' || id === 'kept' ? 'upfront' : 'deferred',
  onSilence: id === 'kept' ? 'keep' : 'release',
  upstream,
  // A hold lasts 60 seconds longer than this timeout, and must end before `LEASE_MS` in `kills.ts`. A slow machine may stall for ten
  // seconds.
  timeoutSeconds: 20,
});

/** The upstream answers 404 for `/failing/…`. The interceptors of tests answer as the model. */
const TOOLS = {
  tools: [
    ...[tool('deferred', '/echo'), tool('upfront', '/echo'), tool('failing', '/nothing')],
    ...[tool('streamed', MODEL), tool('kept', MODEL)],
  ],
};

/** The account whose transactions settle permits: the first facilitator of the stack. */
export const PERMIT_SENDER = people.facilitators[0].address;

/** Makes a block per second, because an idle chain makes none. Returns a function that stops it. */
export const mineEverySecond = ({ stack }: Stage): (() => void) => {
  const mining = setInterval(() => {
    // The request fails if the chain is already stopping.
    stack.chain.client.mine({ blocks: 1 }).catch(() => undefined);
  }, 1000);
  return () => clearInterval(mining);
};

/**
 * Starts a stack. `intercept` decides about every message of the gateway; `variables` are added to its configuration. `options` select
 * tools other than `TOOLS`, blocks at an interval, or another main module of the Worker.
 */
export const startStage = async (
  intercept: Intercept,
  variables: Readonly<Record<string, string>> = {},
  options: Pick<StackOptions, 'blockTime' | 'toolsFile' | 'entry'> = {},
): Promise<Stage> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-chaos-'));
  const toolsFile = join(directory, 'tools.json');
  await mkdir(join(directory, '.dev'));
  await writeFile(toolsFile, JSON.stringify(TOOLS));
  const proxies: RunningServer[] = [];
  const proxied = async (party: Party, target: string): Promise<string> => {
    const proxy = await startProxy({ party, target, intercept });
    proxies.push(proxy);
    return proxy.url;
  };
  const stopProxies = async (): Promise<void> => {
    await Promise.all(proxies.map(async ({ stop }) => await stop()));
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const stack = await startStack({
      persistTo: directory,
      // The command looks for the stack's keys next to this file.
      file: join(directory, '.dev/stack.json'),
      toolsFile,
      shield: 100_000,
      variables,
      ...options,
      wire: async ({ rpc, facilitators, upstream }) => {
        const urls = await Promise.all(
          facilitators.map(async (url) => await proxied('facilitator', url)),
        );
        const sending = urls.map((url) => ({ url, concurrency: 186, uptoSender: PERMIT_SENDER }));
        return {
          rpc: await proxied('rpc', rpc),
          facilitators: urls,
          upstream: await proxied('upstream', upstream),
          variables: { FACILITATORS: JSON.stringify(sending), ...variables },
        };
      },
    });
    const stop = async (): Promise<void> => {
      await stack.stop();
      await stopProxies();
    };
    return { stack, directory, stop };
  } catch (error) {
    await stopProxies();
    throw error;
  }
};
