import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ListedProcess, runningProcesses } from '../../dev/stack/process.ts';
import type { StackDescription } from '../../dev/stack/stack-directory.ts';

const DEV = join(import.meta.dirname, '../../dev');
const START = join(DEV, 'start.ts');
const DEMO = join(DEV, 'demo.ts');
const MARK = 'COUNTERSIGN_TEST_RUN';

/** A script of `dev/` that runs as a separate process, observed from outside. */
export type Launched = {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** The stack's description once every part runs. Rejects if the process ends first. */
  readonly ready: () => Promise<StackDescription>;
  /** Resolves with the exit code or the signal when the process itself has ended. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  /** Resolves like `ended`, but only when the output is complete. */
  readonly closed: Promise<number | NodeJS.Signals | null>;
  /** All running descendants of the process, including orphans. */
  readonly processes: () => readonly ListedProcess[];
  /** Waits until no descendant runs. Returns the commands of those that still run after the time. */
  readonly remaining: (milliseconds: number) => Promise<readonly string[]>;
  /** Resolves with the match once the output matches. */
  readonly prints: (pattern: RegExp) => Promise<RegExpExecArray>;
  /**
   * Waits until the process has paused after the text given at its start. Until `resume`, nothing of it runs concurrently with the test.
   */
  readonly paused: () => Promise<void>;
  readonly resume: () => void;
};

const isMarked = (id: number, mark: string): boolean => {
  try {
    return readFileSync(`/proc/${id}/environ`, 'utf8').includes(mark);
  } catch {
    return false;
  }
};

/** Tells whether a signal has stopped a process. `/proc/ID/stat` has the form `id (name) state …`, and the name may contain brackets. */
const isStopped = (id: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
    return stat.at(stat.lastIndexOf(')') + 2) === 'T';
  } catch {
    return false;
  }
};

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A module that stops its process with SIGSTOP when it first prints a text. */
const pausingAfter = (text: string): string =>
  `data:text/javascript,${encodeURIComponent(`
    let isOver = false;
    for (const stream of [process.stdout, process.stderr]) {
      const write = stream.write.bind(stream);
      stream.write = (chunk, ...more) => {
        const isTaken = write(chunk, ...more);
        if (!isOver && String(chunk).includes(${JSON.stringify(text)})) {
          isOver = true;
          process.kill(process.pid, 'SIGSTOP');
        }
        return isTaken;
      };
    }
  `)}`;

/** Starts Node with a marker in the environment, which every descendant inherits. */
const launch = (words: readonly string[], pauseAfter?: string): Launched => {
  const mark = randomUUID();
  const hook = pauseAfter === undefined ? [] : ['--import', pausingAfter(pauseAfter)];
  const child = spawn(process.execPath, [...hook, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, [MARK]: mark },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  let isOver = false;
  const endOn = async (event: 'exit' | 'close'): Promise<number | NodeJS.Signals | null> =>
    await new Promise((resolve) => {
      child.once(event, (code: number | null, signal: NodeJS.Signals | null) => {
        isOver = true;
        resolve(code ?? signal);
      });
    });
  const prints = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(text.stdout + text.stderr);
      if (match !== null) return match;
      if (isOver)
        throw new Error(`ended without printing ${pattern.source}:\n${text.stdout}${text.stderr}`);
      await pause(10);
    }
  };
  const processes = () => (runningProcesses() ?? []).filter(({ id }) => isMarked(id, mark));
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ready: async () => JSON.parse((await prints(/^\{.*\}$/m))[0]) as StackDescription,
    ended: endOn('exit'),
    closed: endOn('close'),
    processes,
    remaining: async (milliseconds) => {
      const deadline = Date.now() + milliseconds;
      while (processes().length > 0 && Date.now() < deadline) await pause(20);
      return processes().map(({ command }) => command);
    },
    prints,
    paused: async () => {
      while (!isOver && !isStopped(child.pid ?? 0)) await pause(10);
      if (isOver) throw new Error(`ended without a pause:\n${text.stdout}${text.stderr}`);
    },
    resume: () => child.kill('SIGCONT'),
  };
};

/** Starts `npm start` with these flags. */
export const launchStart = (flags: readonly string[], pauseAfter?: string): Launched =>
  launch([START, ...flags], pauseAfter);

/** Starts `npm run demo` with these flags. */
export const launchDemo = (flags: readonly string[], pauseAfter?: string): Launched =>
  launch([DEMO, ...flags], pauseAfter);

/** Starts `npm start` as the child of another process; `child` is that other process. */
export const launchAsChild = (flags: readonly string[]): Launched => {
  const words = JSON.stringify([START, ...flags]);
  const script = `require('node:child_process').spawn(process.execPath, ${words}, { stdio: 'inherit' })`;
  return launch(['-e', script]);
};
