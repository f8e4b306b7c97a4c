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

const patience = (sink: Sink, paint: Paint) => {
  const erase = sink.isTTY === true ? '\r\u001B[2K' : '';
  return async <T>(what: string, work: Promise<T>): Promise<T> => {
    const from = Date.now();
    let shown = false;
    const timer = setInterval(() => {
      if (shown && erase === '') return;
      shown = true;
      const seconds = erase === '' ? '' : ` ${Math.round((Date.now() - from) / 1000)} s`;
      sink.write(`${erase}     ${paint('dim', `… ${what}${seconds}`)}${erase === '' ? '\n' : ''}`);
    }, PATIENCE_MS);
    try {
      return await work;
    } finally {
      clearInterval(timer);
      if (shown) sink.write(erase);
    }
  };
};

/** A narrator that writes to `sink`. */
export const newNarrator = (sink: Sink): Narrator => {
  const paint = painter(sink);
  const failures: string[] = [];
  let number = 0;
  let current = '';
  const line = (text: string): void => {
    sink.write(`${text}\n`);
  };
  return {
    step: (title) => {
      number += 1;
      current = `step ${number}`;
      line(`\n${paint('bold', `${number.toString().padStart(2)}. ${title}`)}`);
    },
    say: (text) => line(`     ${text}`),
    tell: line,
    check: (what, held, found) => {
      line(`   ${held ? paint('green', '✓') : paint('red', '✗')} ${what}`);
      if (held) return;
      const shown = found === undefined ? '' : `: found ${found}`;
      if (shown !== '') line(`     ${paint('red', shown.slice(2))}`);
      failures.push(`${current}: ${what}${shown}`);
    },
    during: patience(sink, paint),
    failures: () => failures,
  };
};
