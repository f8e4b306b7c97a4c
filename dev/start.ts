/** `npm start`: runs the local stack until Ctrl-C. */
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { wholeNumber } from './command-line.ts';
import { killEveryProcess, whenOrphaned } from './stack/process.ts';
import { portTaken } from './stack/loopback.ts';
import { startCron } from './stack/cron.ts';
import { relayerVariables } from './stack/gateway-variables.ts';
import { BUDGET, BUYER } from './stack/cards.ts';
import { people } from './stack/people.ts';
import { type LocalSigner, startSigner } from './stack/signer.ts';
import { type Stack, type StackOptions, startStack } from './stack/stack.ts';

const HELP = `Runs Countersign on this machine: a chain with USDC, a facilitator, an upstream with demo tools, and the gateway
with a relayer.

  npm start -- [flags]

  --port N         port of the gateway (default: 8787 if free, else a free port)
  --block-time N   mine a block every N seconds (default: a block for each transaction)
  --tools PATH     sell the tools of this file (default: tools.json)
  --file PATH      write addresses and keys to this file (default: .dev/stack.json)
  --signer         run a signer beside the gateway; its owner is the key "owner" of that file
  --json           print only the content of that file, as one line, when the stack runs
  --help           print this help`;

const DEFAULT_PORT = 8787;
const BAD_USAGE = 2;

type Flags = {
  readonly options: StackOptions;
  readonly signer: boolean;
  readonly json: boolean;
  readonly help: boolean;
};

/** Parses flags. @throws Error that names the wrong flag. */
const readFlags = (args: readonly string[]): Flags => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string' },
      'block-time': { type: 'string' },
      file: { type: 'string' },
      tools: { type: 'string' },
      signer: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { port, file, tools } = values;
  const blockTime = values['block-time'];
  const options: StackOptions = {
    ...(port === undefined ? {} : { port: wholeNumber('port', port, 1, 65_535) }),
    ...(blockTime === undefined
      ? {}
      : { blockTime: wholeNumber('block-time', blockTime, 1, 3600) }),
    ...(file === undefined ? {} : { file }),
    ...(tools === undefined ? {} : { toolsFile: resolve(tools) }),
  };
  return { options, signer: values.signer, json: values.json, help: values.help };
};

const summary = (
  { description, file, gateway }: Stack,
  { blockTime, toolsFile }: StackOptions,
  signer: LocalSigner | undefined,
): string => {
  const { agents, rpc, facilitator, upstream, usdc, payTo } = description;
  const blocks =
    blockTime === undefined ? 'a block for each transaction' : `a block every ${blockTime} s`;
  const short = (path: string) => {
    const below = relative(process.cwd(), path);
    return below.startsWith('..') ? resolve(path) : below;
  };
  return `
The local stack is running.

  gateway      ${gateway.url}
  dashboard    ${gateway.url}/dashboard  (sign in with the built-in wallets "Local operator" and "Local owner")
  chain        ${rpc}  (id ${description.chainId}, ${blocks})
  facilitator  ${facilitator}
  relayer      ${people.relayer.address}  (takes what the facilitator cannot take at once)
  for others   ${gateway.url}/facilitator  (receiving address ${people.seller})
  upstream     ${upstream}  (requests by tool: ${upstream}/_count)
  USDC         ${usdc}
  payee        ${payTo}
${signer === undefined ? '' : `  signer       ${signer.url}  (owner ${people.owner.address})\n`}  agents       ${description.agent.address} and ${agents.length} more, with $1,000 in USDC each
  cards        tools bookshop and stationer, with a fake issuer, a fake card vault and a demo merchant
  in dollars   ${BUYER.address} may spend ${BUDGET} a day there
  secret       tool quotes, whose upstream demands the key that the vault holds
  keys         ${short(file)}
  log          ${short(gateway.log)}

${toolsFile === undefined ? `Get the price of a tool:\n\n  curl -i '${gateway.url}/tools/lookup?word=river'` : `See what is on sale:\n\n  curl ${gateway.url}/llms.txt`}

Press Ctrl-C to stop the stack.`;
};

const run = async ({ options, json, signer: withSigner }: Flags): Promise<void> => {
  const say = json ? console.error : console.log;
  let stack: Stack | undefined;
  let signer: LocalSigner | undefined;
  let ending = false;
  const end = async (code: number, why: string): Promise<void> => {
    // A second signal exits at once; the reaper kills the processes that are left.
    if (ending) process.exit(code);
    ending = true;
    (code === 0 ? say : console.error)(why);
    // Stop the signer first: its state is in the directory that the stack removes.
    await signer?.stop();
    await stack?.stop();
    await killEveryProcess();
    process.exit(code);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void end(0, `\nStopping after ${signal}.`));
  whenOrphaned(() => void end(1, 'Stopping because the parent process has ended.'));

  const port = options.port ?? ((await portTaken(DEFAULT_PORT)) ? undefined : DEFAULT_PORT);
  try {
    await import('./assets.ts');
    stack = await startStack({
      ...options,
      variables: relayerVariables(people.relayer),
      cards: true,
      market: true,
      onRevived: say,
      ...(port === undefined ? {} : { port }),
      onProgress: (part, where, milliseconds) =>
        say(`${part.padEnd(12)} ${where}  ${milliseconds} ms`),
    });
    if (withSigner && !ending) {
      signer = await startSigner({
        persistTo: join(dirname(stack.gateway.log), 'signer'),
        owners: [people.owner.address],
        onRevived: say,
        onCrash: () => console.error('The signer ended, and does not start again: see its log.'),
      });
      say(`${'signer'.padEnd(12)} ${signer.url}`);
    }
  } catch (error) {
    // A signal stopped the stack while it started: this is no failure.
    if (ending) return;
    throw error;
  }
  if (ending) return;
  startCron(stack.gateway.url);
  if (json) console.log(JSON.stringify(stack.description));
  else console.log(summary(stack, options, signer));
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
    console.error(`The stack could not start: ${(error as Error).message}`);
    await killEveryProcess();
    process.exit(1);
  }
