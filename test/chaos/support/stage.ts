import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '../../../dev/stack/loopback.ts';
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
export const PRICES = { deferred: 10_000n, upfront: 50_000n, failing: 10_000n } as const;
export type ToolName = keyof typeof PRICES;

const tool = (id: ToolName, upstream: string) => ({
  id,
  method: 'GET',
  path: `/${id}/*`,
  description: `A tool of the chaos tests: ${id}.`,
  price: `$${Number(PRICES[id]) / 1e6}`,
  settlement: id === 'upfront' ? 'upfront' : 'deferred',
  upstream,
  // A hold lasts 60 seconds longer than this timeout, and must end before `LEASE_MS` in `kills.ts`. A slow machine may stall for ten
  // seconds.
  timeoutSeconds: 20,
});

/** The upstream answers 404 for `/failing/…`. */
const TOOLS = {
  tools: [tool('deferred', '/echo'), tool('upfront', '/echo'), tool('failing', '/nothing')],
};

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
      wire: async ({ rpc, facilitators, upstream }) => ({
        rpc: await proxied('rpc', rpc),
        facilitators: await Promise.all(
          facilitators.map(async (url) => await proxied('facilitator', url)),
        ),
        upstream: await proxied('upstream', upstream),
      }),
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
