import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, inject } from 'vitest';
import { type Stack, type StackOptions, startStack } from '../../dev/stack/stack.ts';
import { workerOf } from '../support/built-worker.ts';
import { untilDayLasts } from '../support/day.ts';
import { endPages, sharedBrowser } from './browser.ts';

/** A stack and a browser for the tests of one file. Readable from `beforeAll` on. */
export type BrowserStack = { readonly stack: Stack; readonly browser: Browser };

/** Returns options of a stack. Gets its directory, where it may write files. */
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
    // The figures of today must not begin anew meanwhile.
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

/** The stack of the files of this worker that need no own one. It ends with the worker. */
let shared: Promise<Stack> | undefined;

/**
 * Gives the tests of a file a stack on which other files ran before. Figures of all accounts and the newest call may be those of other
 * files, so a file names people of its own and looks at single accounts and calls. The owner of the local stack has no agents here.
 */
export const useSharedStack = (): BrowserStack =>
  // The requests of all files come from one address.
  usePages(async () => await (shared ??= start(() => ({ shield: 100_000 }))));

/** Gives the tests of a file a new stack, for other options, or for figures of the whole gateway. Stops it at the end. */
export const useBrowserStack = (optionsIn: OptionsIn = () => ({})): BrowserStack => {
  let own: Stack | undefined;
  const local = usePages(async () => (own = await start(optionsIn)));
  afterAll(async () => await own?.stop());
  return local;
};
