import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { extname, join } from 'node:path';

/** A process in `/proc`. */
export type ListedProcess = {
  readonly id: number;
  readonly group: number;
  readonly command: string;
};

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

const listed = (id: number): ListedProcess | undefined => {
  // `id (name) state parent group …`; the name may contain brackets.
  const stat = read(`/proc/${id}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, , group] = fields ?? [];
  // A zombie has ended and waits for its parent to collect its exit code.
  if (group === undefined || state === 'Z' || state === 'X') return undefined;
  const command = (read(`/proc/${id}/cmdline`) ?? '').split('\0').join(' ').trim();
  return { id, group: Number(group), command };
};

/** Lists every process of this machine without zombies. @returns undefined where there is no `/proc`. */
export const runningProcesses = (): readonly ListedProcess[] | undefined => {
  let names: readonly string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  if (!names.includes('self')) return undefined;
  return names
    .filter((name) => /^[1-9][0-9]*$/.test(name))
    .map((name) => listed(Number(name)))
    .filter((process) => process !== undefined);
};

/** How a process ended. `expected` after `stop` or `kill`. */
export type Exit = {
  readonly expected: boolean;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
};

/** A child process and its descendants: one process group, which ends as a whole. */
export type ProcessGroup = {
  /** Process id of the leader, which is the id of the group. */
  readonly id: number;
  readonly exited: Promise<Exit>;
  /** The end of stdout and stderr, at most 16 KiB. */
  readonly output: () => string;
  /** Sends SIGTERM, and after two seconds SIGKILL. Resolves when every process of the group has ended. */
  readonly stop: () => Promise<void>;
  /** Sends SIGKILL. Resolves when every process of the group has ended. */
  readonly kill: () => Promise<void>;
};

const OUTPUT_LIMIT = 16_384;
const GRACE_MS = 2000;
const alive = new Set<number>();
let reaper: ChildProcess | undefined;

const notifyReaper = (line: string): void => {
  reaper?.stdin?.write(`${line}\n`);
};

/** Starts the reaper once for this process, and again if it ends. */
const startReaper = (): void => {
  if (reaper !== undefined) return;
  // The published command contains the reaper as JavaScript, next to its own modules.
  const file = join(import.meta.dirname, `reaper${extname(import.meta.filename)}`);
  const child = spawn(process.execPath, [file], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  reaper = child;
  child.unref();
  child.stdin?.on('error', () => {});
  // The pipe closes when this process ends. It must not keep the process alive.
  if (child.stdin instanceof Socket) child.stdin.unref();
  child.once('exit', () => {
    reaper = undefined;
    if (alive.size === 0) return;
    startReaper();
  });
  for (const group of alive) notifyReaper(`+${group}`);
};

const signalGroup = (group: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-group, signal);
    return true;
  } catch {
    return false;
  }
};

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Whether a process of the group runs. Signal 0 also reaches zombies, so the process list decides. */
const groupRuns = (group: number): boolean =>
  signalGroup(group, 0) && (runningProcesses()?.some((process) => process.group === group) ?? true);

/** Waits until the group is empty. @returns false after a timeout. */
const emptied = async (group: number, milliseconds: number): Promise<boolean> => {
  const deadline = Date.now() + milliseconds;
  while (groupRuns(group)) {
    if (Date.now() > deadline) return false;
    await pause(10);
  }
  return true;
};

/** Starts a program in its own process group. The group ends with this process, also after SIGKILL (`reaper.ts`). */
export const startProcess = (options: {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly directory?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** File to which the output is appended. */
  readonly log?: string;
  /** Output that means the program is broken although it runs: the group is then killed, as after a crash. */
  readonly fatal?: string;
  /** Called with each piece of the output. */
  readonly onOutput?: (text: string) => void;
}): ProcessGroup => {
  startReaper();
  const child = spawn(options.program, options.arguments, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.directory === undefined ? {} : { cwd: options.directory }),
    env: options.environment ?? process.env,
  });
  const id = child.pid ?? 0;
  if (id > 0) {
    alive.add(id);
    notifyReaper(`+${id}`);
  }
  const log =
    options.log === undefined ? undefined : createWriteStream(options.log, { flags: 'a' });
  log?.on('error', () => {});
  let output = '';
  let expected = false;
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_LIMIT);
    log?.write(chunk);
    options.onOutput?.(chunk.toString());
    if (options.fatal !== undefined && output.includes(options.fatal)) signalGroup(id, 'SIGKILL');
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve({ expected, code: null, signal: null });
    });
    child.once('exit', (code, signal) => {
      // The leader has ended: end its descendants as well.
      signalGroup(id, 'SIGKILL');
      alive.delete(id);
      notifyReaper(`-${id}`);
      log?.end();
      resolve({ expected, code, signal });
    });
  });

  const kill = async (): Promise<void> => {
    expected = true;
    if (id === 0) return;
    signalGroup(id, 'SIGKILL');
    await exited;
    await emptied(id, GRACE_MS);
  };
  const stop = async (): Promise<void> => {
    expected = true;
    if (id === 0) return;
    signalGroup(id, 'SIGTERM');
    if (!(await emptied(id, GRACE_MS))) await kill();
    await exited;
  };
  return { id, exited, output: () => output, stop, kill };
};

/** Kills every running process group that this process started. */
export const killEveryProcess = async (): Promise<void> => {
  await Promise.all(
    [...alive].map(async (group) => {
      signalGroup(group, 'SIGKILL');
      await emptied(group, GRACE_MS);
    }),
  );
};

const ORPHAN_POLL_MS = 200;

/**
 * Calls back once when the parent process has ended. A parent that receives SIGKILL sends no signal, but its children then have another
 * parent id.
 */
export const whenOrphaned = (callback: () => void): void => {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    callback();
  }, ORPHAN_POLL_MS);
  timer.unref();
};
