/** `npm start`: runs the whole of Countersign on this machine until it is told to stop. */
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { whenOrphaned } from './stack/process.ts';
import { portTaken } from './stack/ports.ts';
import { killEveryProcess } from './stack/process.ts';
import { type Stack, type StackOptions, startStack } from './stack/stack.ts';

const HELP = `Runs Countersign on this machine: a chain with USDC, a facilitator, an upstream with demo tools, the gateway.

  npm start -- [flags]

  --port N         port of the gateway (8787 if free, else any free one)
  --block-time N   a block every N seconds (a block for each transaction, at once)
  --file PATH      where to write the addresses and keys (.dev/stack.json)
  --json           print only that, as one line, when everything runs
  --help           this`;

const USUAL_PORT = 8787;
const BAD_USAGE = 2;

type Flags = { readonly options: StackOptions; readonly json: boolean; readonly help: boolean };

const wholeNumber = (name: string, text: string, most: number): number => {
  const value = /^[1-9][0-9]{0,5}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= most) return value;
  throw new Error(`--${name} takes a whole number from 1 to ${most}, not '${text}'`);
};

/** Throws an error that names what is wrong. */
const readFlags = (words: readonly string[]): Flags => {
  const { values } = parseArgs({
    args: [...words],
    options: {
      port: { type: 'string' },
      'block-time': { type: 'string' },
      file: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { port, file } = values;
  const blockTime = values['block-time'];
  const options: StackOptions = {
    ...(port === undefined ? {} : { port: wholeNumber('port', port, 65_535) }),
    ...(blockTime === undefined ? {} : { blockTime: wholeNumber('block-time', blockTime, 3600) }),
    ...(file === undefined ? {} : { file }),
  };
  return { options, json: values.json, help: values.help };
};

const summary = ({ description, file, gateway }: Stack, blockTime: number | undefined): string => {
  const { agents, rpc, facilitator, upstream, usdc, payTo } = description;
  const blocks =
    blockTime === undefined ? 'a block per transaction' : `a block every ${blockTime} s`;
  const short = (path: string) => {
    const below = relative(process.cwd(), path);
    return below.startsWith('..') ? resolve(path) : below;
  };
  return `
Countersign runs.

  gateway      ${gateway.url}
  chain        ${rpc}  (id ${description.chainId}, ${blocks})
  facilitator  ${facilitator}
  upstream     ${upstream}  (runs per tool: ${upstream}/_count)
  USDC         ${usdc}
  paid to      ${payTo}
  agent        ${description.agent.address}, and ${agents.length} more, with 1000 USDC each
  all of it    ${short(file)}
  log          ${short(gateway.log)}

Ask for a price:

  curl -i '${gateway.url}/tools/lookup?word=river'

Ctrl-C stops everything.`;
};

const run = async ({ options, json }: Flags): Promise<void> => {
  const say = json ? console.error : console.log;
  let stack: Stack | undefined;
  let ending = false;
  const end = async (code: number, why: string): Promise<void> => {
    // Asked twice: leave at once, the reaper takes the rest.
    if (ending) process.exit(code);
    ending = true;
    (code === 0 ? say : console.error)(why);
    await stack?.stop();
    await killEveryProcess();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void end(0, `\n${signal}: stopping`));
  whenOrphaned(() => void end(1, 'the parent process is gone: stopping'));

  const port = options.port ?? ((await portTaken(USUAL_PORT)) ? undefined : USUAL_PORT);
  try {
    await import('./openapi.ts');
    stack = await startStack({
      ...options,
      ...(port === undefined ? {} : { port }),
      onProgress: (part, where, milliseconds) =>
        say(`${part.padEnd(12)} ${where}  ${milliseconds} ms`),
    });
  } catch (error) {
    // Stopped while starting: that it did not start is no error.
    if (ending) return;
    throw error;
  }
  if (ending) return;
  if (json) console.log(JSON.stringify(stack.description));
  else console.log(summary(stack, options.blockTime));
  await end(1, await stack.crashed);
};

let flags: Flags;
try {
  flags = readFlags(process.argv.slice(2));
} catch (error) {
  console.error(`${(error as Error).message}\n\n${HELP}`);
  process.exit(BAD_USAGE);
}
if (flags.help) console.log(HELP);
else
  try {
    await run(flags);
  } catch (error) {
    console.error(`could not start: ${(error as Error).message}`);
    await killEveryProcess();
    process.exit(1);
  }
