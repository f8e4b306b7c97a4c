import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '../../../dev/root.ts';

/** The built command of the package. */
export const COMMAND = join(ROOT, 'dist/cli/index.js');

export type Place = {
  readonly env: Readonly<Record<string, string>>;
  readonly directory: string;
};

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs the command in pipes, without a terminal to prompt at. */
export const pipe = async (
  { env, directory }: Place,
  words: readonly string[],
  stdin = '',
  {
    stop,
    onStdout,
  }: {
    readonly stop?: Promise<NodeJS.Signals>;
    /** Called with each piece of stdout. */
    readonly onStdout?: (text: string) => void;
  } = {},
): Promise<Ran> =>
  await new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...words], {
      cwd: directory,
      env: { ...env } as unknown as NodeJS.ProcessEnv,
    });
    const chunks: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => chunks[stream].push(chunk));
    child.stdout.on('data', (chunk: Buffer) => onStdout?.(chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({
        code: code ?? -1,
        stdout: Buffer.concat(chunks.stdout).toString(),
        stderr: Buffer.concat(chunks.stderr).toString(),
      }),
    );
    void stop?.then((signal) => child.kill(signal));
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
  });

/** The only JSON document on stdout. Throws unless stdout holds exactly one line. */
export const documentIn = ({ stdout }: Ran): Record<string, unknown> => {
  if (!stdout.endsWith('\n') || stdout.indexOf('\n') !== stdout.length - 1) {
    throw new Error(`stdout is not one line: ${stdout}`);
  }
  return JSON.parse(stdout) as Record<string, unknown>;
};
