import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedProcess, runningProcesses } from '../../dev/stack/process-list.ts';
import type { StackDescription } from '../../dev/stack/stack-file.ts';

const START = join(import.meta.dirname, '../../dev/start.ts');
const MARK = 'COUNTERSIGN_TEST_RUN';

/** A process of `npm start`, observed from outside. */
export type Launched = {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The description, once everything runs. Rejects when the process ends before. */
  readonly ready: Promise<StackDescription>;
  /** Resolves with the exit code, or the signal, when the process itself has ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Everything that runs and descends from it, also what has lost its parent. */
  readonly processes: () => readonly ListedProcess[];
  /** Resolves with what still runs when nothing does, or the time is over. */
  readonly remaining: (milliseconds: number) => Promise<readonly string[]>;
  /** Resolves when its output matches. */
  readonly says: (pattern: RegExp) => Promise<void>;
};

const marked = (id: number, mark: string): boolean => {
  try {
    return readFileSync(`/proc/${id}/environ`, 'utf8').includes(mark);
  } catch {
    return false;
  }
};

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

const watch = (child: ChildProcess, mark: string): Launched => {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  let over = false;
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('exit', (code, signal) => {
      over = true;
      resolve(code ?? signal);
    });
  });
  const says = async (pattern: RegExp): Promise<void> => {
    while (!pattern.test(stdout + stderr)) {
      if (over) throw new Error(`ended without saying ${pattern.source}:\n${stdout}${stderr}`);
      await pause(10);
    }
  };
  const ready = says(/^\{.*\}$/m).then(
    () => JSON.parse(/^\{.*\}$/m.exec(stdout)?.[0] ?? '') as StackDescription,
  );
  // Some tests do not wait for it.
  ready.catch(() => {});
  const processes = () => (runningProcesses() ?? []).filter(({ id }) => marked(id, mark));
  const remaining = async (milliseconds: number): Promise<readonly string[]> => {
    const deadline = Date.now() + milliseconds;
    while (processes().length > 0 && Date.now() < deadline) await pause(20);
    return processes().map(({ command }) => command);
  };
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ready,
    ended,
    processes,
    remaining,
    says,
  };
};

/** Starts `dev/start.ts` with flags. */
export const launch = (flags: readonly string[]): Launched => {
  const mark = randomUUID();
  const child = spawn(process.execPath, [START, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark },
  });
  return watch(child, mark);
};

/** Starts it as the child of another process, which is `child`. */
export const launchBelow = (flags: readonly string[]): Launched => {
  const mark = randomUUID();
  const words = JSON.stringify([START, ...flags]);
  const script = `require('node:child_process').spawn(process.execPath, ${words}, { stdio: 'inherit' })`;
  const child = spawn(process.execPath, ['-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark },
  });
  return watch(child, mark);
};
