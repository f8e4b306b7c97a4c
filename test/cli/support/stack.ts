import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { beforeAll } from 'vitest';
import { mint } from '../../../dev/stack/chain-access.ts';
import type { Person } from '../../../dev/stack/people.ts';
import { useSharedWorld, type World } from '../../conformance/support/world.ts';
import type { Home } from './home.ts';

/** The path at which `npm start` describes its stack. */
const stackFileOf = async (home: Home): Promise<string> => {
  await mkdir(join(home.directory, '.dev'), { recursive: true });
  return join(home.directory, '.dev', 'stack.json');
};

/** Copies the description of a running stack to the path at which `npm start` writes it. */
export const putStackFile = async ({ stack }: World, home: Home): Promise<Home> => {
  await copyFile(stack.file, await stackFileOf(home));
  return home;
};

/** Atomic units; enough for all tests of a file. */
const BALANCE = 100_000_000n;

/** Gives the command a shared stack. Owner and agents get new keys in each file; the operator is the gateway's. */
export const useSharedStack = (): {
  readonly world: () => World;
  /** Like `putStackFile` above, with this file's people. */
  readonly putStackFile: (home: Home) => Promise<Home>;
} => {
  const world = useSharedWorld();
  let description = '';
  beforeAll(async () => {
    const newPerson = async (): Promise<Person> => {
      const privateKey = generatePrivateKey();
      const address = privateKeyToAddress(privateKey);
      await mint(world().client, address, BALANCE);
      return { address, privateKey };
    };
    const { description: shared } = world().stack;
    description = JSON.stringify({
      ...shared,
      owner: await newPerson(),
      agent: await newPerson(),
      agents: await Promise.all(shared.agents.map(newPerson)),
    });
  });
  return {
    world,
    putStackFile: async (home) => {
      await writeFile(await stackFileOf(home), description);
      return home;
    },
  };
};
