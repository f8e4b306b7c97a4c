import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect } from 'vitest';
import { useWorld } from '../../conformance/support/world.ts';
import { documentIn, pipe, type Ran } from './command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './home.ts';
import { putStackFile } from './stack.ts';

/** How long tests wait for rows in D1, which arrive through the audit queue. */
export const EVENTUALLY = { timeout: 60_000, interval: 500 };

/** The CAIP-10 id of an address on the local chain. */
export const accountOf = (address: string): string => `eip155:84532:${address.toLowerCase()}`;

/** Runs the command against one real stack, with a new home for each test. */
type Management = {
  /** A home that has no stack file. */
  readonly home: () => Home;
  readonly place: () => Home;
  /** Origin of the gateway. */
  readonly gateway: () => string;
  readonly run: (...words: readonly string[]) => Promise<Ran>;
  /** The JSON output of a command that must succeed. */
  readonly okJson: (...words: readonly string[]) => Promise<Record<string, unknown>>;
  /** The error of a command that must fail with this exit code. */
  readonly errorOf: (exit: number, ...words: readonly string[]) => Promise<Record<string, unknown>>;
  /** Writes a file and returns its path. */
  readonly file: (name: string, content: unknown) => Promise<string>;
  /** Gives the owner credit and the agent a grant. */
  readonly grantTo: (agent: string) => Promise<void>;
};

/** @param variables added to the gateway's own */
export const useManagement = (variables: Readonly<Record<string, string>> = {}): Management => {
  const world = useWorld({ variables });
  const home = useHome();
  let current: Home | undefined;
  beforeEach(async () => {
    current = withEnv(await putStackFile(world(), home()), { COUNTERSIGN_PASSWORD: PASSWORD });
  });
  const place = (): Home => {
    if (current === undefined) throw new Error('there is no home outside of a test');
    return current;
  };
  const run: Management['run'] = async (...words) => await pipe(place(), words);
  const jsonOf = async (exit: number, words: readonly string[]) => {
    const ran = await run(...words, '--json');
    expect(ran.code, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(exit);
    return documentIn(ran);
  };
  const okJson: Management['okJson'] = async (...words) => await jsonOf(0, words);
  return {
    home,
    place,
    gateway: () => world().stack.description.gateway,
    run,
    okJson,
    errorOf: async (exit, ...words) =>
      (await jsonOf(exit, words))['error'] as Record<string, unknown>,
    file: async (name, content) => {
      const path = join(place().directory, name);
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    grantTo: async (agent) => {
      await okJson('credits', 'top-up', '$0.50', '--to', 'owner', '--as', 'agent8');
      await okJson('grant', agent, '--total', '$0.40', '--per-call', '$0.05');
    },
  };
};
