import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { type Stack, type StackOptions, startStack } from '../../dev/stack/stack.ts';
import { workerOf } from '../support/built-worker.ts';
import { untilDayLasts } from '../support/day.ts';
import { endPages, sharedBrowser } from './browser.ts';

/** A stack and a browser for the tests of one file. Its members are readable from `beforeAll` on. */
export type BrowserStack = { readonly stack: Stack; readonly browser: Browser };

/** Returns the options of a stack. It may write files into the stack's directory. */
type OptionsIn = (directory: string) => StackOptions | Promise<StackOptions>;

const start = async (optionsIn: OptionsIn): Promise<Stack> => {
  const directory = mkdtempSync(join(inject('states'), 'stack-'));
  const options = await optionsIn(directory);
  return await startStack({
    persistTo: directory,
    file: join(directory, 'stack.json'),
    ...options,
    ...workerOf(options),
  });
};

const usePages = (stackOf: () => Promise<Stack>): BrowserStack => {
  let running: BrowserStack | undefined;
  const started = (): BrowserStack => {
    if (running === undefined) throw new Error('The stack has not started yet.');
    return running;
  };
  beforeAll(async () => {
    // Today's figures must not reset during the tests.
    await untilDayLasts(150_000);
    const [stack, browser] = await Promise.all([stackOf(), sharedBrowser()]);
    running = { stack, browser };
  });
  afterEach(async () => {
    if (running !== undefined) await endPages(running.browser, running.stack.gateway.url);
  });
  return {
    get stack() {
      return started().stack;
    },
    get browser() {
      return started().browser;
    },
  };
};

/** The stack that the files of this worker share. It stops with the worker. */
let shared: Promise<Stack> | undefined;

/**
 * Gives the tests of a file a stack that other files have used. Totals and the newest call may come from those files, so a file must use
 * accounts of its own and check single accounts and calls. The owner of the local stack has no agents here.
 */
export const useSharedStack = (): BrowserStack =>
  // Allow many requests, because those of all files come from one address.
  usePages(async () => await (shared ??= start(() => ({ shield: 100_000 }))));

/** Gives the tests of a file a stack of its own, for other options or for totals of the whole gateway. Stops it after the tests. */
export const useBrowserStack = (optionsIn: OptionsIn = () => ({})): BrowserStack => {
  let own: Stack | undefined;
  const local = usePages(async () => (own = await start(optionsIn)));
  afterAll(async () => await own?.stop());
  return local;
};
