import { expect } from 'vitest';
import { useWorld, type World } from '../../conformance/support/world.ts';
import { pipe, type Ran } from './command.ts';
import { emulate, type Shown } from './emulator.ts';
import { type Home, useHome } from './home.ts';
import { putStackFile } from './stack.ts';
import { openTerminal, type Terminal } from './terminal.ts';

export const COLUMNS = 100;
export const ROWS = 24;

/** The account writes equal denials of ten seconds as one entry, and the dashboard tries again for up to half a minute. */
export const PATIENCE = { timeout: 90_000, interval: 200 };

/** The terminal as the user had it before. */
export const RESTORED = { isAlternate: false, hasCursor: true, wraps: true };

export const screenOf = (terminal: Terminal): Shown => emulate(terminal.raw(), COLUMNS, ROWS);
export const textOf = (terminal: Terminal): string => screenOf(terminal).lines.join('\n');

/** The dashboard against one real stack. */
type Watching = {
  readonly world: () => World;
  readonly place: () => Promise<Home>;
  readonly run: (...words: readonly string[]) => Promise<Ran>;
  readonly open: (
    words: readonly string[],
    env?: Readonly<Record<string, string>>,
  ) => Promise<Terminal>;
  /** An agent with $0.40, of which two calls a day fit. */
  readonly fundFleet: () => Promise<void>;
  /** The exit code of a call of the agent. */
  readonly call: (word: string) => Promise<number>;
};

export const useWatch = (): Watching => {
  const world = useWorld();
  const home = useHome();
  const place = async (): Promise<Home> => await putStackFile(world(), home());
  const run: Watching['run'] = async (...words) => await pipe(await place(), words);
  return {
    world,
    place,
    run,
    open: async (words, env = {}) => {
      const at = await place();
      return openTerminal({ ...at, env: { ...at.env, ...env } }, words, COLUMNS, ROWS);
    },
    fundFleet: async () => {
      for (const words of [
        ['credits', 'top-up', '$0.50', '--to', 'owner', '--as', 'agent8'],
        ['grant', 'agent1', '--total', '$0.40', '--per-call', '$0.05'],
        ['policy', 'set', 'agent1', '--per-day', '$0.002', '--tools', 'lookup'],
      ]) {
        const ran = await run(...words);
        expect(ran.code, ran.stderr).toBe(0);
      }
    },
    call: async (word) =>
      (await run('call', `/tools/lookup?word=${word}`, '--as', 'agent1', '--credit')).code,
  };
};
