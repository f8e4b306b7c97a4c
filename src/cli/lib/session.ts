import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { agentsDirectory } from './agent-file.ts';
import type { Input } from './input.ts';
import { createKeystore, type Keystore } from './keystore.ts';
import { createOutput, createProgress, type Output, type Progress } from './output.ts';
import { createProfile, type Profile } from './profile.ts';
import { createPrompts, type Prompts } from './prompts.ts';

/** Everything that one run of a command may use. */
export type Session = {
  readonly out: Output;
  readonly prompts: Prompts;
  readonly progress: Progress;
  readonly keystore: Keystore;
  /** The gateway to call and the key that signs. */
  readonly profile: Profile;
  readonly env: NodeJS.ProcessEnv;
  readonly directory: string;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Sets the next step that Ctrl-C prints from now on, e.g. after a payment left this machine. */
  readonly ifStopped: (hint: string) => void;
  /** Unix seconds. */
  readonly now: () => number;
  /** Reads standard input to its end. @throws RangeError beyond `limit` bytes */
  readonly stdin: (limit: number) => Promise<Uint8Array<ArrayBuffer>>;
};

export type SessionOptions = {
  readonly json: boolean;
  readonly colour: boolean;
  readonly signal: AbortSignal;
  readonly ifStopped: (hint: string) => void;
  readonly process: NodeJS.Process;
};

/** `$COUNTERSIGN_HOME`, else `$XDG_CONFIG_HOME/countersign`, else `~/.config/countersign`. */
export const homeOf = (env: NodeJS.ProcessEnv): string => {
  const given = env['COUNTERSIGN_HOME'] ?? '';
  if (given !== '') return resolve(given);
  const config = env['XDG_CONFIG_HOME'] ?? '';
  return join(config === '' ? join(homedir(), '.config') : config, 'countersign');
};

export const openSession = (
  { json, colour, signal, ifStopped, process }: SessionOptions,
  input: Input,
): Session => {
  const { env, stdin, stdout, stderr } = process;
  const directory = process.cwd();
  const progress = createProgress(stderr, json, signal, () => out.isLineOpen());
  const out = createOutput({ json, colour, env, stdout, stderr, beforeWrite: progress.clear });
  const prompts = createPrompts({ stdin, stderr, signal, progress });
  const keystore = createKeystore({
    home: homeOf(env),
    env,
    passwordFile: input.text('passwordFile'),
    prompts,
    progress,
    signal,
    note: out.note,
  });
  return {
    out,
    prompts,
    progress,
    keystore,
    profile: createProfile({
      gateway: input.text('gateway'),
      as: input.text('as'),
      env,
      directory,
      keystore,
      agents: agentsDirectory(homeOf(env)),
    }),
    env,
    directory,
    signal,
    ifStopped,
    now: () => Math.floor(Date.now() / 1000),
    stdin: async (limit) => await readAll(stdin, limit),
  };
};

const readAll = async (
  stream: NodeJS.ReadStream,
  limit: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk as string);
    length += bytes.byteLength;
    if (length > limit) throw new RangeError(`standard input is longer than ${limit} bytes`);
    chunks.push(bytes);
  }
  return new Uint8Array(Buffer.concat(chunks));
};
