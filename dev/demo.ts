/** `npm run demo`: an agent that has only a wallet calls paid tools, for real, and checks everything it is told. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Address, getAddress } from 'viem';
import { accountId, network } from '../src/protocol/account-id.ts';
import type { Line } from './demo/story.ts';
import { type Narrator, newNarrator } from './demo/narrator.ts';
import { play } from './demo/story.ts';
import { openWallet } from './demo/wallet.ts';
import { whenOrphaned } from './stack/process.ts';
import { killEveryProcess } from './stack/process.ts';
import { newRunDirectory } from './stack/run-directory.ts';
import { type Stack, startStack } from './stack/stack.ts';

const HELP = `Boots Countersign on this machine and pays for a few calls as an agent.

  npm run demo -- [flags]

  --block-time N   a block every N seconds, 1 to 15 (a block for each transaction, at once)
  --json           end with the facts as one line of JSON on standard output; the story goes to standard error
  --help           this

Exits with 0 only if everything held.`;

const BAD_USAGE = 2;
const MOST_SECONDS = 15;

/** Blocks that a settlement may take, and what the queue and the machine need beside it. */
const PATIENCE = { blocks: 6, milliseconds: 45_000 };

const GRACE_MS = 2000;

type Flags = {
  readonly blockTime: number | undefined;
  readonly json: boolean;
  readonly help: boolean;
};

/** Throws an error that names what is wrong. */
const readFlags = (words: readonly string[]): Flags => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      'block-time': { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const text = values['block-time'];
  const seconds = text === undefined ? undefined : /^[1-9][0-9]?$/.test(text) ? Number(text) : 0;
  if (seconds !== undefined && (seconds === 0 || seconds > MOST_SECONDS))
    throw new Error(`--block-time takes a whole number from 1 to ${MOST_SECONDS}, not '${text}'`);
  return { blockTime: seconds, json: values.json, help: values.help };
};

const boot = async (flags: Flags, directory: string, narrator: Narrator): Promise<Stack> => {
  narrator.tell(
    'Countersign demo: a chain with USDC, a facilitator, an upstream and the gateway, all on this machine.\n',
  );
  await import('./openapi.ts');
  return await narrator.during(
    'waiting for the gateway',
    startStack({
      persistTo: directory,
      file: join(directory, 'stack.json'),
      ...(flags.blockTime === undefined ? {} : { blockTime: flags.blockTime }),
      onProgress: (part, where, milliseconds) =>
        narrator.tell(`     ${part.padEnd(12)} ${where}  ${milliseconds} ms`),
    }),
  );
};

const perform = async (
  flags: Flags,
  directory: string,
  stack: Stack,
  narrator: Narrator,
): Promise<Line> => {
  const { description, chain, upstream } = stack;
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
  }).catch(async (error: unknown) => {
    // A part that crashes takes the others with it: the crash is the reason, a broken connection only its trace.
    await Promise.race([crashed, pause(GRACE_MS)]);
    throw error;
  });
  return await Promise.race([story, crashed]);
};

const NEXT = `Next:
  npm start        keeps a stack like this one up, and says how to call it
  npm test         runs the tests
  README.md        "Pay as an agent": your own agent in a few lines`;

const run = async (flags: Flags): Promise<void> => {
  const narrator = newNarrator(flags.json ? process.stderr : process.stdout);
  const from = performance.now();
  const directory = await newRunDirectory();
  let stack: Stack | undefined;
  let ending: Promise<void> | undefined;
  /** Stops every part, then removes what they have written. */
  const end = async (): Promise<void> => {
    ending ??= (async () => {
      await stack?.stop();
      await killEveryProcess();
      await rm(directory, { recursive: true, force: true });
    })();
    await ending;
  };
  const leave = (code: number, why: string): void => {
    // Asked twice: leave at once, the reaper takes the rest.
    if (ending !== undefined) process.exit(code);
    narrator.tell(`\n${why}: stopping`);
    void end().then(() => process.exit(code));
  };
  process.on('SIGINT', () => leave(130, 'SIGINT'));
  process.on('SIGTERM', () => leave(143, 'SIGTERM'));
  process.on('SIGHUP', () => leave(129, 'SIGHUP'));
  whenOrphaned(() => leave(1, 'the parent process is gone'));

  let line: Line | undefined;
  let broke = false;
  try {
    stack = await boot(flags, directory, narrator);
    line = await perform(flags, directory, stack, narrator);
  } catch (error) {
    // Stopped from outside, it cannot have gone on.
    if (ending === undefined) {
      narrator.check((error as Error).message, false);
      broke = true;
    }
  }
  // Stopped from outside: `leave` has the last word.
  if (ending !== undefined) return await ending;
  await end();
  const found = narrator.failures();
  // What ended it comes first: while the rest is being stopped after a crash, more fails than has gone wrong.
  const failures = broke ? [...found.slice(-1), ...found.slice(0, -1)] : found;
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  if (failures.length > 0)
    console.error(`\nDid not hold:\n${failures.map((text) => `  ${text}`).join('\n')}`);
  else narrator.tell(`\nEverything held, in ${seconds} s. Everything is stopped.\n\n${NEXT}`);
  if (flags.json && line !== undefined) console.log(JSON.stringify(line));
  // A story that was cut short may still be asking for an answer: nothing waits for it.
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
