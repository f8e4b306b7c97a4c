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
    const response = await fetch(`${gateway}/healthz`, { signal: AbortSignal.timeout(10_000) });
    return response.status === 200;
  } catch {
    return false;
  }
};

/** Returns `stack.json`, or `stack-<port>.json` while another running stack uses the former. */
const defaultFile = async (directory: string, port: number): Promise<string> => {
  const file = join(directory, 'stack.json');
  const other = await gatewayIn(file);
  if (other === undefined || !(await answers(other))) return file;
  return join(directory, `stack-${port}.json`);
};

/** Writes the description atomically: to `file`, or to the default file of a directory. @returns the path of the file. */
export const writeStackFile = async (
  description: StackDescription,
  file: string | undefined,
  directory: string,
): Promise<string> => {
  const path = file ?? (await defaultFile(directory, Number(new URL(description.gateway).port)));
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
const removeAbandoned = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    const owner = /^run-([0-9]+)-[0-9]+$/.exec(name)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    await rm(join(directory, name), { recursive: true, force: true });
  }
};

/** Creates an empty directory below another one, usually `.dev`, for the state of one stack of this process. */
export const newRunDirectory = async (parent: string): Promise<string> => {
  await mkdir(parent, { recursive: true });
  await removeAbandoned(parent);
  created += 1;
  const directory = join(parent, `run-${process.pid}-${created}`);
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory);
  return directory;
};
