/** `npm run demo`: an agent that has only a wallet calls paid tools of a local stack and verifies every answer. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Address, getAddress } from 'viem';
import { accountId, network } from '../src/protocol/account-id.ts';
import { type Narrator, newNarrator } from './demo/narrator.ts';
import { type DemoResults, play } from './demo/story.ts';
import { openWallet } from './demo/wallet.ts';
import { wholeNumber } from './command-line.ts';
import { ROOT } from './root.ts';
import { killEveryProcess, whenOrphaned } from './stack/process.ts';
import { relayerVariables } from './stack/gateway-variables.ts';
import { people } from './stack/people.ts';
import { newRunDirectory } from './stack/stack-directory.ts';
import { type Stack, startStack } from './stack/stack.ts';

const HELP = `Starts Countersign on this machine and pays for a few calls as an agent.

  npm run demo -- [flags]

  --block-time N   mine a block every N seconds, 1 to 15 (default: a block for each transaction)
  --json           print the results as one line of JSON on standard output, and the steps on standard error
  --help           print this help

Exits with 0 only if all checks passed.`;

const BAD_USAGE = 2;
const MAX_SECONDS = 15;

/** Time limit of a settlement: blocks, and milliseconds for the queue and the machine. */
const PATIENCE = { blocks: 6, milliseconds: 45_000 };

const GRACE_MS = 2000;

type Flags = {
  readonly blockTime: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
};

/** Parses flags. @throws Error that names the wrong flag. */
const readFlags = (args: readonly string[]): Flags => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      'block-time': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const text = values['block-time'];
  const blockTime =
    text === undefined ? undefined : wholeNumber('block-time', text, 1, MAX_SECONDS);
  return { blockTime, json: values.json, help: values.help };
};

const boot = async (flags: Flags, directory: string, narrator: Narrator): Promise<Stack> => {
  narrator.print(
    'Countersign demo. It starts a chain with USDC, a facilitator, an upstream and the gateway on this machine.\n',
  );
  await import('./assets.ts');
  return await narrator.during(
    'waiting for the gateway',
    startStack({
      persistTo: directory,
      file: join(directory, 'stack.json'),
      variables: relayerVariables(people.relayer),
      cards: true,
      market: true,
      ...(flags.blockTime === undefined ? {} : { blockTime: flags.blockTime }),
      onProgress: (part, where, milliseconds) =>
        narrator.print(`     ${part.padEnd(12)} ${where}  ${milliseconds} ms`),
    }),
  );
};

const perform = async (
  flags: Flags,
  directory: string,
  stack: Stack,
  narrator: Narrator,
): Promise<DemoResults> => {
  const { description, chain, upstream, cards, market } = stack;
  const wallet = openWallet(description.agent.privateKey);
  const crashed = stack.crashed.then((message) => {
    throw new Error(message);
  });
  const story = play({
    stack: description,
    directory,
    chain,
    wallet,
    narrator,
    patience: PATIENCE.milliseconds + PATIENCE.blocks * (flags.blockTime ?? 0) * 1000,
    account: accountId(network(description.chainId), wallet.address.toLowerCase() as Address),
    payTo: getAddress(description.payTo),
    runs: upstream.counts,
    cards,
    market,
  }).catch(async (error: unknown) => {
    // A crash stops all parts and breaks connections: report the crash, not the broken connection.
    await Promise.race([crashed, pause(GRACE_MS)]);
    if (stack.hasCrashed()) await crashed;
    throw error;
  });
  return await Promise.race([story, crashed]);
};

const NEXT = `Next:
  npm start        runs the same stack until Ctrl-C and prints how to call it
  npm test         runs the tests
  README.md        "Pay as an agent": write your own agent`;

const run = async (flags: Flags): Promise<void> => {
  const narrator = newNarrator(flags.json ? process.stderr : process.stdout);
  const from = performance.now();
  const directory = await newRunDirectory(join(ROOT, '.dev'));
  let stack: Stack | undefined;
  let ending: Promise<void> | undefined;
  /** Stops every part and removes the files of the stack. */
  const end = async (): Promise<void> => {
    ending ??= (async () => {
      await stack?.stop();
      await killEveryProcess();
      await rm(directory, { recursive: true, force: true });
    })();
    await ending;
  };
  const leave = (code: number, reason: string): void => {
    // A second signal exits at once; the reaper kills the processes that are left.
    if (ending !== undefined) process.exit(code);
    narrator.print(`\nStopping ${reason}.`);
    void end().then(() => process.exit(code));
  };
  process.on('SIGINT', () => leave(130, 'after SIGINT'));
  process.on('SIGTERM', () => leave(143, 'after SIGTERM'));
  process.on('SIGHUP', () => leave(129, 'after SIGHUP'));
  whenOrphaned(() => leave(1, 'because the parent process has ended'));

  let results: DemoResults | undefined;
  let broke = false;
  try {
    stack = await boot(flags, directory, narrator);
    results = await perform(flags, directory, stack, narrator);
  } catch (error) {
    // After a signal, an error is expected.
    if (ending === undefined) {
      narrator.check((error as Error).message, false);
      broke = true;
    }
  }
  // After a signal, `leave` exits.
  if (ending !== undefined) return await ending;
  await end();
  const found = narrator.failures();
  // The reason of the end comes first: while the other parts stop after a crash, further checks fail.
  const failures = broke ? [...found.slice(-1), ...found.slice(0, -1)] : found;
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  if (failures.length > 0)
    console.error(`\nFailed checks:\n${failures.map((text) => `  ${text}`).join('\n')}`);
  else narrator.print(`\nAll checks passed in ${seconds} s. The stack is stopped.\n\n${NEXT}`);
  if (flags.json && results !== undefined) console.log(JSON.stringify(results));
  // A step that failed may have a request in progress: do not wait for it.
  if (failures.length > 0) process.exit(1);
};

let flags: Flags;
try {
  flags = readFlags(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`);
  process.exit(BAD_USAGE);
}
if (flags.help) console.log(HELP);
else await run(flags);
