import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach } from 'vitest';
import { ROOT } from '../../../dev/root.ts';
import { people } from '../../../dev/stack/people.ts';
import { useWorld, type World } from '../../conformance/support/world.ts';
import { documentIn, type Ran } from './command.ts';
import { type Home, useHome } from './home.ts';

/** The option for a stack that runs entirely on this machine. */
export const LOCAL = '--local-stack';

/** A copy of the files that `init` reads, new for each test, and one real stack. */
type Checkout = {
  readonly world: () => World;
  readonly checkout: () => Home;
  /** Reads a file of the checkout. */
  readonly read: (file: string) => Promise<string>;
  /** The options of `init` for this stack. */
  readonly flags: (changes?: Readonly<Record<string, string>>) => readonly string[];
};

export const useCheckout = (): Checkout => {
  const world = useWorld();
  const home = useHome();
  beforeEach(async () => {
    for (const file of ['wrangler.toml', 'tools.json'])
      await copyFile(join(ROOT, file), join(home().directory, file));
  });
  return {
    world,
    checkout: home,
    read: async (file) => await readFile(join(home().directory, file), 'utf8'),
    flags: (changes = {}) => {
      const { rpc, facilitator, upstream } = world().stack.description;
      const values = {
        'pay-to': people.payTo,
        network: 'base-sepolia',
        rpc,
        upstream: `${upstream}/lookup`,
        facilitator,
        ...changes,
      };
      return [...Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]), LOCAL];
    },
  };
};

type Checked = {
  readonly name: string;
  readonly status: string;
  readonly says: string;
  readonly hint?: string;
};

/** Finds one check in the output of `doctor --json`. */
export const checkNamed = (ran: Ran, name: string): Checked => {
  const { checks } = documentIn(ran) as { readonly checks: readonly Checked[] };
  const found = checks.find((check) => check.name === name);
  if (found === undefined) throw new Error(`${name} is not in ${JSON.stringify(checks)}`);
  return found;
};
