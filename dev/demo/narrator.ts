import type { WriteStream } from 'node:tty';

/** Output stream: `process.stdout`, or `process.stderr` when a program reads stdout. */
export type Sink = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean };

/** Prints numbered steps with details and checks. */
export type Narrator = {
  /** Starts the next numbered step. */
  readonly step: (title: string) => void;
  /** Prints a detail of the current step. */
  readonly detail: (line: string) => void;
  /** Prints a line that belongs to no step. */
  readonly print: (line: string) => void;
  /** Prints whether a check passed. `found` is printed only when it failed. */
  readonly check: (name: string, passed: boolean, found?: string) => void;
  /** Waits for work, and prints its name when it takes over a second; on a terminal with the seconds. */
  readonly during: <T>(name: string, work: Promise<T>) => Promise<T>;
  /** Failed checks, with their steps. */
  readonly failures: () => readonly string[];
};

const PATIENCE_MS = 1000;

const PAINT = { bold: '1', dim: '2', red: '31', green: '32' } as const;

type Paint = (how: keyof typeof PAINT, text: string) => string;

/** Colours text on a terminal, unless `NO_COLOR` is set (no-color.org). */
const painter = (sink: Sink): Paint => {
  const coloured = sink.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  return (how, text) => (coloured ? `\u001B[${PAINT[how]}m${text}\u001B[0m` : text);
};

/** Prints one progress line, and erases it on a terminal. */
const progress = (sink: Sink, paint: Paint) => {
  const terminal = sink.isTTY === true;
  let shown = false;
  const erase = (): void => {
    if (shown && terminal) sink.write('\r\u001B[2K');
    shown = false;
  };
  const show = (name: string, seconds: number): void => {
    erase();
    shown = true;
    const count = terminal ? ` ${seconds} s` : '\n';
    sink.write(`     ${paint('dim', `… ${name}`)}${count}`);
  };
  const during = async <T>(name: string, work: Promise<T>): Promise<T> => {
    const from = Date.now();
    let times = 0;
    const timer = setInterval(() => {
      times += 1;
      // In a file or a pipe, the line appears once.
      if (terminal || times === 1) show(name, Math.round((Date.now() - from) / 1000));
    }, PATIENCE_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      erase();
    }
  };
  return { erase, during };
};

/** Creates a narrator that writes to a stream. */
export const newNarrator = (sink: Sink): Narrator => {
  const paint = painter(sink);
  const { erase, during } = progress(sink, paint);
  const failures: string[] = [];
  let number = 0;
  const line = (text: string): void => {
    erase();
    sink.write(`${text}\n`);
  };
  return {
    step: (title) => {
      number += 1;
      line(`\n${paint('bold', `${number.toString().padStart(2)}. ${title}`)}`);
    },
    detail: (text) => line(`     ${text}`),
    print: line,
    check: (name, passed, found) => {
      line(`   ${passed ? paint('green', '✓') : paint('red', '✗')} ${name}`);
      if (passed) return;
      if (found !== undefined) line(`     ${paint('red', `found ${found}`)}`);
      const where = number === 0 ? 'start' : `step ${number}`;
      failures.push(`${where}: ${name}${found === undefined ? '' : `: found ${found}`}`);
    },
    during,
    failures: () => failures,
  };
};
