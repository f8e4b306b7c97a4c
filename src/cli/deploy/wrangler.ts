import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import * as z from 'zod/mini';
import { CliError } from '../lib/errors.ts';
import { printable } from '../lib/text.ts';

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** The wrangler that the project installed. */
export type Wrangler = {
  /** @throws CliError `wrangler_failed`, with the last lines of its output, if it fails */
  readonly run: (words: readonly string[], options?: RunOptions) => Promise<Ran>;
  /** Runs wrangler and returns its result, also if it fails. */
  readonly attempt: (words: readonly string[], options?: RunOptions) => Promise<Ran>;
};

type RunOptions = {
  /** Secrets go to standard input, because every process of the machine can read argv (CWE-214). */
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
};

const packageSchema = z.looseObject({ bin: z.looseObject({ wrangler: z.string() }) });

/** @param options its configuration file and its environment, if they are not the default @throws CliError if the project has no wrangler */
export const openWrangler = (
  directory: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
  {
    config,
    environment,
  }: { readonly config?: string; readonly environment?: string | undefined } = {},
): Wrangler => {
  const program = findWrangler(directory);
  const which = [
    ...(config === undefined ? [] : ['--config', config]),
    ...(environment === undefined ? [] : ['--env', environment]),
  ];
  // `countersign check`, which wrangler runs as build command, reads the environment from this variable, as wrangler does.
  const chosen = environment === undefined ? {} : { CLOUDFLARE_ENV: environment };
  const attempt: Wrangler['attempt'] = async (words, options = {}) =>
    await runProgram([program, ...words, ...which], {
      ...{ directory, env, signal },
      ...options,
      environment: { ...chosen, ...options.environment },
    });
  return {
    attempt,
    run: async (words, options) => {
      const ran = await attempt(words, options);
      if (ran.code === 0) return ran;
      throw new CliError(`wrangler ${words.slice(0, 3).join(' ')} failed: ${reasonIn(ran)}`, {
        hint: `\`npx wrangler ${[...words, ...which].join(' ')}\` shows more.`,
        code: 'wrangler_failed',
      });
    },
  };
};

const findWrangler = (directory: string): string => {
  try {
    const require = createRequire(join(directory, 'package.json'));
    const manifest = require.resolve('wrangler/package.json');
    const { bin } = packageSchema.parse(require(manifest));
    return join(dirname(manifest), bin.wrangler);
  } catch (cause) {
    throw new CliError('This project has no wrangler.', {
      hint: 'Run `npm install` here.',
      code: 'no_wrangler',
      cause,
    });
  }
};

/** Runs a Node program without a terminal: wrangler then asks nothing. */
export const runProgram = async (
  words: readonly string[],
  {
    directory,
    env,
    signal,
    stdin = '',
    environment = {},
  }: RunOptions & {
    readonly directory: string;
    readonly env: NodeJS.ProcessEnv;
    readonly signal: AbortSignal;
  },
): Promise<Ran> =>
  await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, words, {
      cwd: directory,
      env: { ...env, NO_COLOR: '1', FORCE_COLOR: '0', ...environment },
      signal,
    });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        output[stream] = (output[stream] + text).slice(-MAX_OUTPUT);
      });
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, ...output }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });

const MAX_OUTPUT = 4 * 1024 * 1024;
const MAX_REASON = 1_000;

/** Lines that repeat what every failure prints. */
const NOISE =
  /^(?:If you think this is a bug|🪵|Logs were written|Note that there is a newer)|^[─⛅]/u;

/** The error that wrangler printed, without its decoration. */
export const reasonIn = ({ stdout, stderr }: Pick<Ran, 'stdout' | 'stderr'>): string => {
  const text = stripVTControlCharacters(stderr.includes('ERROR') ? stderr : `${stdout}\n${stderr}`);
  // A failed build prints its own error first.
  const from = Math.max(0, text.lastIndexOf('[ERROR]'));
  return printable(
    text
      .slice(from)
      .replace('[ERROR]', '')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !NOISE.test(line))
      .join(' ')
      .slice(0, MAX_REASON)
      .trim(),
  );
};

/** The JSON document in wrangler's output, which may follow lines of text. */
export const jsonIn = (stdout: string): unknown => {
  for (const match of stdout.matchAll(/^[[{]/gm)) {
    try {
      return JSON.parse(stdout.slice(match.index));
    } catch {
      continue;
    }
  }
  return undefined;
};
