import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { beforeAll } from 'vitest';
import { mint } from '../../../dev/stack/chain-access.ts';
import type { Person } from '../../../dev/stack/people.ts';
import { useSharedWorld, type World } from '../../conformance/support/world.ts';
import type { Home } from './home.ts';

/** Where `npm start` describes its stack. */
const stackFileOf = async (home: Home): Promise<string> => {
  await mkdir(join(home.directory, '.dev'), { recursive: true });
  return join(home.directory, '.dev', 'stack.json');
};

/** Writes the description of a running stack where `npm start` writes it. */
export const putStackFile = async ({ stack }: World, home: Home): Promise<Home> => {
  await copyFile(stack.file, await stackFileOf(home));
  return home;
};

/** Enough for every test of a file. */
const BALANCE = 100_000_000n;

/** A stack that files share, for the command: owner and agents have new keys in each file. The operator is the gateway's. */
export const useSharedStack = (): {
  readonly world: () => World;
  /** As `putStackFile`, with the people of this file. */
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
