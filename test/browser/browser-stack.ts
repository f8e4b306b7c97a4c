import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Stack, type StackOptions, startStack } from '../../dev/stack/stack.ts';
import { workerOf } from '../support/built-worker.ts';
import { untilDayLasts } from '../support/day.ts';
import { startBrowser } from './browser.ts';

/** A stack and a browser for the tests of one file. Readable from `beforeAll` on. */
export type BrowserStack = { readonly stack: Stack; readonly browser: Browser };

/**
 * Starts a stack and a browser before the tests of a file, closes the pages after each test, and stops both at the end.
 *
 * @param optionsIn Options of the stack; it gets the stack's directory, where it may write files.
 */
export const useBrowserStack = (
  optionsIn: (directory: string) => StackOptions | Promise<StackOptions> = () => ({}),
): BrowserStack => {
  const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
  let started: BrowserStack | undefined;
  const running = (): BrowserStack => {
    if (started === undefined) throw new Error('The stack has not started yet.');
    return started;
  };
  beforeAll(async () => {
    // The figures of today must not begin anew meanwhile.
    await untilDayLasts(150_000);
    const options = await optionsIn(directory);
    const [stack, browser] = await Promise.all([
      startStack({
        persistTo: directory,
        file: join(directory, 'stack.json'),
        ...options,
        ...workerOf(options),
      }),
      startBrowser(),
    ]);
    started = { stack, browser };
  });
  afterEach(async () => {
    await Promise.all(
      (started?.browser.contexts() ?? []).map(async (context) => await context.close()),
    );
  });
  afterAll(async () => {
    await started?.browser.close();
    await started?.stack.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    get stack() {
      return running().stack;
    },
    get browser() {
      return running().browser;
    },
  };
};
