import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, inject, onTestFailed } from 'vitest';
import { type ChainClient, chainClient } from '../../../dev/stack/chain-access.ts';
import { type Stack, type StackOptions, startStack } from '../../../dev/stack/stack.ts';
import type { Counts } from '../../../dev/upstream/upstream.ts';
import { brokenLogs } from '../../chaos/support/account-records.ts';
import { workerOf } from '../../support/built-worker.ts';
import { untilDayLasts } from '../../support/day.ts';
import { type Audit, openAudit } from './audit.ts';
import { type Offered, readOffer } from './offer.ts';

/** A running stack, accessed from outside: the gateway over HTTP, the upstream's counter, the chain, and the audit database on disk. */
export type World = {
  readonly stack: Stack;
  /** Directory of the gateway's state. */
  readonly directory: string;
  readonly client: ChainClient;
  readonly payTo: `0x${string}`;
  /** The offer in this call's 402. */
  readonly offer: (call: ToolCall) => Promise<Offered>;
  /** Sends a call unchanged, with additional headers. */
  readonly send: (call: ToolCall, headers?: Readonly<Record<string, string>>) => Promise<Response>;
  /** How often the upstream ran each tool, by its own counter. */
  readonly counts: () => Promise<Counts>;
  readonly audit: Audit;
};

/** Options with which files can share a stack: they are plain data, so equal options can be recognised. */
type SharedOptions = Pick<StackOptions, 'variables' | 'cards' | 'market' | 'toolsFile'>;

/** A request for a tool: path with query, method and body. */
export type ToolCall = {
  readonly path: string;
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly contentType?: string;
};

export const post = (path: string, body: object): ToolCall => ({
  path,
  method: 'POST',
  body: JSON.stringify(body),
  contentType: 'application/json',
});

export const lookup: ToolCall = { path: '/tools/lookup?word=river' };
export const translate: ToolCall = post('/tools/translate', { text: 'good morning', to: 'fr' });
export const report: ToolCall = post('/tools/report', { text: 'Money moves first.' });
/** Settles upfront, and accepts bound payments only. */
export const notarise: ToolCall = post('/tools/notarise', { text: 'Signed for exactly this.' });
/** Has a variable price and is paid from credit. The upstream charges `charge`. */
export const summarise = (text: string, charge?: string): ToolCall =>
  post('/tools/summarise', charge === undefined ? { text } : { text, charge });
export const whoami: ToolCall = { path: '/tools/whoami' };

/** High enough for all requests of a file: the rate limit per client is not under test here. */
const NO_SHIELD = 1_000_000;

/** Sends a call to a gateway unchanged, with additional headers. */
export const sendTo = async (
  origin: string,
  { path, method, body, contentType }: ToolCall,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  await fetch(origin + path, {
    method: method ?? 'GET',
    redirect: 'manual',
    headers: {
      ...(contentType === undefined ? {} : { 'Content-Type': contentType }),
      ...headers,
    },
    ...(body === undefined ? {} : { body }),
  });

const openWorld = async (options: StackOptions, directory: string): Promise<World> => {
  const stack = await startStack({
    shield: NO_SHIELD,
    file: join(directory, 'stack.json'),
    persistTo: join(directory, 'gateway'),
    ...options,
    ...workerOf(options),
  });
  const { gateway, upstream, payTo, rpc } = stack.description;
  const send: World['send'] = async (call, headers) => await sendTo(gateway, call, headers);
  const offers = new Map<string, Promise<Offered>>();
  return {
    stack,
    directory: join(directory, 'gateway'),
    client: chainClient(rpc),
    payTo: payTo as `0x${string}`,
    send,
    offer: async (call) => {
      const known = offers.get(call.path) ?? send(call).then(readOffer);
      offers.set(call.path, known);
      return await known;
    },
    counts: async () => (await (await fetch(`${upstream}/_count`)).json()) as Counts,
    audit: openAudit(join(directory, 'gateway', 'state')),
  };
};

/** Verifies every signature in every exported log (law 11). */
const mustBeSigned = async (directory: string): Promise<void> => {
  expect(await brokenLogs(directory)).toEqual([]);
};

/**
 * Registers the hooks of a file: `open` before its tests, `close` after them. Returns a function that gives the world to a running test.
 */
const useOpened = (
  open: () => Promise<World>,
  close: (world: World) => Promise<void>,
): (() => World) => {
  let world: World | undefined;
  beforeAll(async () => {
    // Daily limits must not reset during the tests.
    await untilDayLasts(90_000);
    world = await open();
  });
  // The gateway tells clients little about its failures, so a failed test prints the gateway's output.
  beforeEach(() => {
    onTestFailed(() =>
      console.error(`last output of the gateway:\n${world?.stack.gateway.output() ?? ''}`),
    );
  });
  afterAll(async () => {
    if (world !== undefined) await close(world);
  });
  return () => {
    if (world === undefined) throw new Error('the stack does not run');
    return world;
  };
};

const newDirectory = async (parent: string): Promise<string> =>
  await mkdtemp(join(parent, 'countersign-conformance-'));

/**
 * Starts a stack before the tests of a file and stops it after them. Use it for options of the file's own, for tests that stop a component
 * or read the data of all accounts, and for people with fixed keys.
 */
export const useWorld = (options: StackOptions = {}): (() => World) => {
  let directory: string | undefined;
  // Vitest runs this hook after the hooks registered later, which still read the directory.
  afterAll(async () => {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  });
  return useOpened(
    async () => {
      directory = await newDirectory(tmpdir());
      return await openWorld(options, directory);
    },
    async ({ stack, directory: state }) => {
      await stack.stop();
      await mustBeSigned(state);
    },
  );
};

/** The stacks of this process by their options. They stop with the process. Vitest runs the files of a process one after the other. */
const shared = new Map<string, Promise<World>>();

/** Starts a new stack if the shared one has crashed, so that a crash fails only one file. */
const openShared = async (options: SharedOptions): Promise<World> => {
  const key = JSON.stringify(options);
  const running = await shared.get(key)?.catch(() => undefined);
  if (running?.stack.hasCrashed() === false) return running;
  const opened = newDirectory(inject('worlds')).then(
    async (directory) => await openWorld(options, directory),
  );
  shared.set(key, opened);
  return await opened;
};

/**
 * Gives a file a stack that other files have used, because starting a stack costs seconds of CPU. Such a file must pay from keys that it
 * creates, compare counts with counts from before, and read only balances and lists of its own accounts: payments of earlier files may
 * still settle.
 */
export const useSharedWorld = (options: SharedOptions = {}): (() => World) =>
  useOpened(
    async () => await openShared(options),
    async ({ directory }) => await mustBeSigned(directory),
  );
