import type { WriteStream } from 'node:tty';

/** Where the story is told: `process.stdout`, or `process.stderr` when stdout is for a program. */
export type Sink = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean };

/** Tells the story: numbered steps, facts below them, and what was checked. */
export type Narrator = {
  /** Begins the next numbered step. */
  readonly step: (title: string) => void;
  /** A line of the current step. */
  readonly say: (line: string) => void;
  /** A line of its own: a heading, or an end. */
  readonly tell: (line: string) => void;
  /** Says whether a thing held, and remembers it if not. `found` is shown only then. */
  readonly check: (what: string, held: boolean, found?: string) => void;
  /** Waits, and says for what once it takes over a second. On a terminal with a running count of seconds. */
  readonly during: <T>(what: string, work: Promise<T>) => Promise<T>;
  /** What did not hold, with its step. */
  readonly failures: () => readonly string[];
};

const PATIENCE_MS = 1000;

const PAINT = { bold: '1', dim: '2', red: '31', green: '32' } as const;

type Paint = (how: keyof typeof PAINT, text: string) => string;

/** Colour for people only: on a terminal, and not where `NO_COLOR` is set to anything (no-color.org). */
const painter = (sink: Sink): Paint => {
  const coloured = sink.isTTY === true && (process.env['NO_COLOR'] ?? '') === '';
  return (how, text) => (coloured ? `\u001B[${PAINT[how]}m${text}\u001B[0m` : text);
};

/** One line that says what is waited for, and disappears on a terminal. */
const progress = (sink: Sink, paint: Paint) => {
  const terminal = sink.isTTY === true;
  let shown = false;
  const erase = (): void => {
    if (shown && terminal) sink.write('\r\u001B[2K');
    shown = false;
  };
  const show = (what: string, seconds: number): void => {
    erase();
    shown = true;
    const count = terminal ? ` ${seconds} s` : '\n';
    sink.write(`     ${paint('dim', `… ${what}`)}${count}`);
  };
  const during = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const from = Date.now();
    let times = 0;
    const timer = setInterval(() => {
      times += 1;
      // A file or a pipe is told once.
      if (terminal || times === 1) show(what, Math.round((Date.now() - from) / 1000));
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

/** A narrator that writes to `sink`. */
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
    say: (text) => line(`     ${text}`),
    tell: line,
    check: (what, held, found) => {
      line(`   ${held ? paint('green', '✓') : paint('red', '✗')} ${what}`);
      if (held) return;
      if (found !== undefined) line(`     ${paint('red', `found ${found}`)}`);
      const where = number === 0 ? 'start' : `step ${number}`;
      failures.push(`${where}: ${what}${found === undefined ? '' : `: found ${found}`}`);
    },
    during,
    failures: () => failures,
  };
};
