import { writeSync } from 'node:fs';
import { harmless } from '../lib/text.ts';
import type { Size } from './frame.ts';

/** The whole terminal, until `close`. */
export type Screen = {
  readonly size: () => Size;
  /** Writes the lines that differ from those on the screen. */
  readonly draw: (lines: readonly string[]) => void;
  /** Restores the terminal. Does nothing the second time. */
  readonly close: () => void;
};

/** The alternate screen, without a cursor, and without wrapping: a wide character then cannot push a line into the next. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l\u001B[2J';
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';

/**
 * Takes the terminal. `onKeys` gets what was typed, `onResize` is called after the size changed.
 *
 * Race: the process may end at any line, by a signal or an error. The `exit` event comes before every end but SIGKILL, and its handler
 * writes synchronously, so that the shell gets its screen and cursor back.
 */
export const openScreen = (
  { stdin, stdout }: Pick<NodeJS.Process, 'stdin' | 'stdout'>,
  onKeys: (text: string) => void,
  onResize: () => void,
): Screen => {
  let drawn: readonly string[] = [];
  let isOpen = true;
  const takeKeys = (chunk: Buffer | string): void => onKeys(String(chunk));
  const redraw = (): void => {
    drawn = [];
    stdout.write('\u001B[2J');
    onResize();
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    process.off('exit', close);
    stdout.off('resize', redraw);
    stdin.off('data', takeKeys);
    stdin.setRawMode(false);
    stdin.pause();
    try {
      writeSync(1, LEAVE);
    } catch {
      // The terminal is gone.
    }
  };
  process.on('exit', close);
  stdout.on('resize', redraw);
  stdin.setRawMode(true);
  stdin.on('data', takeKeys);
  stdin.resume();
  stdout.write(ENTER);
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    draw: (lines) => {
      if (!isOpen) return;
      const changes = lines.flatMap((line, at) =>
        line === drawn[at] ? [] : [`\u001B[${at + 1};1H${harmless(line)}\u001B[K`],
      );
      drawn = lines;
      if (changes.length > 0) stdout.write(changes.join(''));
    },
    close,
  };
};
