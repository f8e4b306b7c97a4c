import { ROOT } from '../root.ts';
import type { Person } from './people.ts';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Content of `.dev/stack.json`: all that tests and clients need to know about a running stack. */
export type StackDescription = {
  readonly gateway: string;
  readonly audience: string;
  readonly rpc: string;
  readonly chainId: number;
  readonly facilitator: string;
  readonly upstream: string;
  readonly usdc: string;
  readonly payTo: string;
  readonly operator: Person;
  readonly owner: Person;
  readonly agent: Person;
  readonly agents: readonly Person[];
  readonly tools: readonly {
    readonly id: string;
    readonly method: string;
    /** For a tool with a wildcard path: the path before the wildcard, with its slash. */
    readonly url: string;
    readonly price: string;
    readonly settlement: string;
  }[];
};

/** Directory of the files of stacks. */
export const STACK_DIRECTORY = join(ROOT, '.dev');

const gatewayIn = async (file: string): Promise<string | undefined> => {
  try {
    const { gateway } = JSON.parse(await readFile(file, 'utf8')) as { gateway?: unknown };
    return typeof gateway === 'string' ? gateway : undefined;
  } catch {
    return undefined;
  }
};

const answers = async (gateway: string): Promise<boolean> => {
  try {
    const response = await fetch(`${gateway}/healthz`, { signal: AbortSignal.timeout(1000) });
    return response.status === 200;
  } catch {
    return false;
  }
};

/** Returns `.dev/stack.json`, or `.dev/stack-<port>.json` while another running stack uses the former. */
const defaultFile = async (port: number): Promise<string> => {
  const file = join(STACK_DIRECTORY, 'stack.json');
  const other = await gatewayIn(file);
  if (other === undefined || !(await answers(other))) return file;
  return join(STACK_DIRECTORY, `stack-${port}.json`);
};

/** Writes the description atomically. @returns the path of the file. */
export const writeStackFile = async (
  description: StackDescription,
  file: string | undefined,
): Promise<string> => {
  const path = file ?? (await defaultFile(Number(new URL(description.gateway).port)));
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(description, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
  return path;
};

/** Removes the file, unless another stack has overwritten it. */
export const removeStackFile = async (file: string, gateway: string): Promise<void> => {
  if ((await gatewayIn(file)) === gateway) await rm(file, { force: true });
};

let created = 0;

const isRunning = (processId: number): boolean => {
  try {
    process.kill(processId, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** Removes directories of processes that have ended, e.g. after SIGKILL. */
const removeAbandoned = async (): Promise<void> => {
  for (const name of await readdir(STACK_DIRECTORY)) {
    const owner = /^run-([0-9]+)-[0-9]+$/.exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    await rm(join(STACK_DIRECTORY, name), { recursive: true, force: true });
  }
};

/** Creates an empty directory in `.dev` for the state of one stack of this process. */
export const newRunDirectory = async (): Promise<string> => {
  await mkdir(STACK_DIRECTORY, { recursive: true });
  await removeAbandoned();
  created += 1;
  const directory = join(STACK_DIRECTORY, `run-${process.pid}-${created}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  return directory;
};
