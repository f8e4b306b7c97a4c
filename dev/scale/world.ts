import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Management } from '../../src/client/management.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { fill } from '../../test/scale/fill.ts';
import type { Size } from '../../test/scale/size.ts';
import { ROOT } from '../root.ts';
import { usdc } from '../stack/chain-access.ts';
import { openOperator } from '../stack/sell-tools.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { TOOLS_FILE } from '../stack/tools.ts';
import { type Fleet, makeFleet } from './fleet.ts';
import { openDatabaseFile } from './sqlite-file.ts';

/** A gateway whose D1 is filled as after years of use, and a fleet whose objects exist. */
export type World = { readonly stack: Stack; readonly fleet: Fleet };

/** Accounts of the fill whose objects exist: the first page of the list of agents, and the busiest one. */
const NAMED = 60;
/** Grants that the owner offers: as many as each of the ten accounts below it has children in the fill. */
const OFFERED = 1000;
const ENTRY = join(ROOT, 'test/scale/counting-worker.ts');
const ASSETS = [`${usdc.network}/erc20:${usdc.address}`, 'iso4217:USD'] as const;
const EXPORTED_MS = 300_000;

/** Writes a catalogue of `count` tools: those of the stack, and those that the fill names. */
const writeTools = async (directory: string, count: number): Promise<string> => {
  const { tools } = JSON.parse(await readFile(TOOLS_FILE, 'utf8')) as { readonly tools: object[] };
  const more = Array.from({ length: Math.max(0, count - tools.length) }, (_, at) => ({
    ...{ id: `tool-${at}`, method: 'GET', path: `/tools/tool-${at}`, price: '$0.02' },
    ...{ description: `Tool ${at} of a large catalogue.`, mimeType: 'application/json' },
    ...{ settlement: 'deferred', upstream: '/lookup' },
  }));
  const file = join(directory, 'tools.json');
  await writeFile(file, JSON.stringify({ tools: [...tools, ...more] }));
  return file;
};

/** Waits until D1 has every entry that the account has written so far. */
export const exported = async (operator: Management, account: AccountId): Promise<void> => {
  const until = Date.now() + EXPORTED_MS;
  for (;;) {
    const asked = nowSeconds();
    const { body } = await operator.call('account.calls', { params: { account } });
    if ((body.as_of ?? 0) >= asked) return;
    if (Date.now() > until) throw new Error(`The log of ${account} did not arrive in D1.`);
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
};

/** Starts a stack in an empty directory, makes a fleet, and fills its D1 while the gateway is stopped. */
export const startWorld = async (
  directory: string,
  size: Size,
  print: (line: string) => void,
): Promise<World> => {
  const began = nowSeconds();
  const stack = await startStack({
    persistTo: directory,
    file: join(directory, 'stack.json'),
    entry: ENTRY,
    toolsFile: await writeTools(directory, size.tools),
    // All requests come from one client.
    shield: 1_000_000,
    variables: { COMMAND_BYTES_PER_DAY: String(2 ** 30) },
  });
  try {
    const operator = openOperator(stack.gateway);
    const offered = Math.min(OFFERED, size.accounts - 1);
    const fleet = await makeFleet(stack.gateway.url, operator, { named: NAMED, offered });
    print('the fleet is made');
    for (const account of [fleet.owner, fleet.agent]) await exported(operator, account);
    await stack.gateway.stop();
    const database = openDatabaseFile(directory);
    const filling = { root: fleet.owner, until: began, assets: ASSETS, real: NAMED };
    await fill(database, { ...size, ...filling }, print);
    database.close();
    await stack.gateway.restart();
    return { stack, fleet };
  } catch (error) {
    await stack.stop();
    throw error;
  }
};
