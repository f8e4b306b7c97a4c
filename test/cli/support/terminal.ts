import type { Socket } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import { type IPty, spawn } from '@lydell/node-pty';
import { COMMAND, type Place } from './command.ts';

const KEYS = {
  enter: '\r',
  down: '\u001B[B',
  up: '\u001B[A',
  left: '\u001B[D',
  escape: '\u001B',
  tab: '\t',
  'ctrl-c': '\u0003',
} as const;

/** The command at a terminal, with the actions of its user. */
export type Terminal = {
  /** All output, without colours and cursor movements. */
  readonly shown: () => string;
  /** The output with all control sequences. */
  readonly raw: () => string;
  /** Waits for a text that comes after the one that the previous call found. */
  readonly sees: (text: string | RegExp) => Promise<void>;
  readonly type: (text: string) => void;
  readonly press: (key: keyof typeof KEYS) => void;
  /** Changes the size of the terminal. */
  readonly resize: (columns: number, rows: number) => void;
  readonly kill: (signal: 'SIGTERM') => void;
  /** Waits until the command ends, and returns its exit code. */
  readonly ended: () => Promise<number>;
};

const PATIENCE_MS = 100_000;

export const openTerminal = (
  place: Place,
  words: readonly string[],
  columns = 100,
  rows = 40,
): Terminal => openProgram(place, process.execPath, [COMMAND, ...words], columns, rows);

/**
 * Platform trap: node-pty destroys its socket 200 ms after the program has ended, even if this process was busy and has not read
 * everything. This delays the destruction until nothing more arrives.
 */
const readToTheEnd = (terminal: IPty, length: () => number): void => {
  const { _socket: socket } = terminal as unknown as { readonly _socket: Socket };
  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    const before = length();
    setTimeout(() => (length() === before ? destroy(error) : socket.destroy(error)), 100);
    return socket;
  };
};

/** Runs any program at a terminal. */
export const openProgram = (
  { env, directory }: Place,
  program: string,
  words: readonly string[],
  columns = 100,
  rows = 40,
): Terminal => {
  const process_ = spawn(program, [...words], {
    cols: columns,
    rows,
    cwd: directory,
    env: { TERM: 'xterm-256color', ...env },
  });
  let raw = '';
  let seen = 0;
  readToTheEnd(process_, () => raw.length);
  const listeners = new Set<() => void>();
  let isLooking = false;
  process_.onData((data) => {
    raw += data;
    if (isLooking) return;
    isLooking = true;
    // Read everything that has arrived, then search once.
    setImmediate(() => {
      isLooking = false;
      for (const listener of listeners) listener();
    });
  });
  const exit = new Promise<number>((resolve) => {
    process_.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode));
  });
  // A spinner redraws its line, so remove what it erased.
  const shown = (): string =>
    stripVTControlCharacters(raw.replace(/[^\n]*\r\u001B\[2K/g, '')).replaceAll('\r\n', '\n');
  const find = (text: string | RegExp): number => {
    const rest = shown().slice(seen);
    if (typeof text === 'string') {
      const at = rest.indexOf(text);
      return at < 0 ? -1 : seen + at + text.length;
    }
    const match = text.exec(rest);
    return match === null ? -1 : seen + match.index + match[0].length;
  };
  return {
    raw: () => raw,
    shown,
    sees: async (text) => {
      await new Promise<void>((resolve, reject) => {
        const look = (): void => {
          const end = find(text);
          if (end < 0) return;
          seen = end;
          clearTimeout(timer);
          listeners.delete(look);
          resolve();
        };
        const timer = setTimeout(() => {
          listeners.delete(look);
          process_.kill();
          reject(new Error(`waited for ${String(text)}, but saw:\n${shown()}`));
        }, PATIENCE_MS);
        listeners.add(look);
        look();
      });
    },
    type: (text) => process_.write(text),
    press: (key) => process_.write(KEYS[key]),
    resize: (width, height) => process_.resize(width, height),
    kill: (signal) => process_.kill(signal),
    ended: async () => await exit,
  };
};
