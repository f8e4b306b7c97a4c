import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ROOT } from '../root.ts';
import type { Person } from './people.ts';

/** What `.dev/stack.json` says (design §10): all that tests and outside clients need to know of a running stack. */
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
    /** Of a tool that covers everything below a path, that path with its slash. */
    readonly url: string;
    readonly price: string;
    readonly settlement: string;
  }[];
};

/** Where stacks keep their files. */
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

/** `.dev/stack.json`; or, while another running stack has that, `.dev/stack-<port>.json`. */
const usualFile = async (port: number): Promise<string> => {
  const file = join(STACK_DIRECTORY, 'stack.json');
  const other = await gatewayIn(file);
  if (other === undefined || !(await answers(other))) return file;
  return join(STACK_DIRECTORY, `stack-${port}.json`);
};

/** Writes the description as a whole or not at all, and returns the path of the file. */
export const writeStackFile = async (
  description: StackDescription,
  file: string | undefined,
): Promise<string> => {
  const path = file ?? (await usualFile(Number(new URL(description.gateway).port)));
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, `${JSON.stringify(description, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, path);
  return path;
};

/** Removes the file, unless another stack has written it since. */
export const removeStackFile = async (file: string, gateway: string): Promise<void> => {
  if ((await gatewayIn(file)) === gateway) await rm(file, { force: true });
};
