import { styleText } from 'node:util';
import { clipped, harmless, printable } from './text.ts';

/** Results go to stdout, everything else to stderr. */
export type Output = {
  /** `--json`: stdout holds one JSON document, or one a line for a stream, and nothing else. */
  readonly json: boolean;
  /** Columns of stdout's terminal; infinite in a pipe, where nothing is cut. */
  readonly width: number;
  readonly style: Style;
  /** A command's result: the document with `--json`, else the text. */
  result(document: unknown, human: () => string): void;
  /** One item of a stream (NDJSON with `--json`). */
  item(document: unknown, human: () => string): void;
  /**
   * Writes bytes of another party, e.g. the body of an answer: unchanged into a pipe, `printable` on a terminal. Resolves once the stream
   * accepts more.
   */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Like `bytes`, but unchanged on a terminal too. */
  raw(chunk: Uint8Array): Promise<void>;
  /** A remark on stderr. Silent with `--json`. */
  note(text: string): void;
  /** Output of `-v`: on stderr, also with `--json`. */
  trace(text: string): void;
  /** Colours of stderr. */
  readonly noteStyle: Style;
  /** Ends the output of bytes before a note: resets the terminal, and ends the line that the bytes left open. */
  endBytes(): void;
  /** Whether the bytes left a terminal line open. The spinner must not draw into that line. */
  isLineOpen(): boolean;
};

/** Colours of one stream; each returns its text unchanged if the stream takes none. */
export type Style = {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly accent: (text: string) => string;
};

type Stream = Pick<NodeJS.WriteStream, 'write' | 'isTTY' | 'columns'> & {
  once(event: 'drain', listener: () => void): unknown;
};

type OutputOptions = {
  readonly json: boolean;
  /** `false`: `--no-color`. */
  readonly colour: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly stdout: Stream;
  readonly stderr: Stream;
  /** Called before each write, e.g. to clear the spinner from the line. */
  readonly beforeWrite?: () => void;
};

/** Money is `bigint` and becomes a decimal string. `JSON.stringify` leaves some terminal control characters in place: escape them. */
export const jsonOf = (document: unknown): string =>
  JSON.stringify(document, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  ).replace(
    /[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** A terminal that shows colours, unless the user refuses them (https://no-color.org). */
export const takesColour = (
  { colour, env }: Pick<OutputOptions, 'colour' | 'env'>,
  stream: Pick<Stream, 'isTTY'>,
): boolean => colour && stream.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';

export const styleOf = (coloured: boolean): Style => {
  const by = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    // `takesColour` decides. `styleText` would look at stdout alone, and not in every version of Node.
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: by('bold'),
    dim: by('dim'),
    good: by('green'),
    warn: by('yellow'),
    bad: by('red'),
    accent: by('cyan'),
  };
};

const MIN_WIDTH = 20;

/** Columns of a stream's terminal; infinite in a pipe. */
export const columnsOf = ({ isTTY, columns }: Stream): number =>
  isTTY && columns > 0 ? Math.max(MIN_WIDTH, columns) : Number.POSITIVE_INFINITY;

/** CAN and ST end a sequence that raw bytes left open, which would swallow later lines. SGR 0 then resets colour and concealment. */
const RESET = '\u0018\u001B\\\u001B[0m';

export const createOutput = (options: OutputOptions): Output => {
  const { json, stdout, stderr, beforeWrite = () => undefined } = options;
  const printAfter = (start: string) => (document: unknown, human: () => string) => {
    const text = json ? jsonOf(document) : harmless(human());
    if (text === '') return;
    beforeWrite();
    stdout.write(`${start}${text}\n`);
  };
  const decoder = new TextDecoder();
  const write = async (bytes: string | Uint8Array): Promise<void> => {
    if (stdout.write(bytes)) return;
    await new Promise<void>((resolve) => stdout.once('drain', resolve));
  };
  let last = 0x0a;
  return {
    json,
    width: columnsOf(stdout),
    style: styleOf(takesColour(options, stdout)),
    noteStyle: styleOf(takesColour(options, stderr)),
    result: printAfter(''),
    // While a stream of items runs in the background, another command may draw its spinner in the same terminal.
    item: printAfter(stdout.isTTY && !json ? CLEAR : ''),
    isLineOpen: () => stdout.isTTY && stderr.isTTY && last !== 0x0a,
    endBytes: () => {
      if (!stdout.isTTY || !stderr.isTTY) return;
      beforeWrite();
      stdout.write(printable(decoder.decode()));
      stderr.write(last === 0x0a ? RESET : `${RESET}\n`);
    },
    bytes: async (chunk) => {
      beforeWrite();
      last = chunk.at(-1) ?? last;
      // `printable` removes the first character of a sequence that two chunks share, so the rest is plain text.
      await write(stdout.isTTY ? printable(decoder.decode(chunk, { stream: true })) : chunk);
    },
    raw: async (chunk) => {
      beforeWrite();
      last = chunk.at(-1) ?? last;
      await write(chunk);
    },
    note: (text) => {
      if (json) return;
      beforeWrite();
      stderr.write(`${harmless(text)}\n`);
    },
    trace: (text) => {
      beforeWrite();
      stderr.write(`${harmless(text)}\n`);
    },
  };
};

/** A spinner on stderr while something takes long. */
export type Progress = {
  /** Runs the work, and shows its name once it takes longer than a second. */
  during<T>(what: string | (() => string), work: () => Promise<T>): Promise<T>;
  /** Hides the spinner while the work owns the terminal, e.g. a prompt. */
  hidden<T>(work: () => Promise<T>): Promise<T>;
  /** Clears the spinner before a line is printed. The next frame appears below that line. */
  clear(): void;
};

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const DELAY_MS = 1000;
const FRAME_MS = 100;
const CLEAR = '\r\u001B[2K';

/**
 * Draws only on a terminal, and never with `quiet`. `isInLine`: whether printed text left the cursor inside a line, which drawing would
 * erase.
 */
export const createProgress = (
  stream: Stream,
  quiet: boolean,
  signal: AbortSignal,
  isInLine: () => boolean = () => false,
): Progress => {
  let shown = 0;
  let hidden = 0;
  let drawn = false;
  const clear = (): void => {
    if (drawn) stream.write(CLEAR);
    drawn = false;
  };
  return {
    clear,
    hidden: async (work) => {
      hidden += 1;
      clear();
      try {
        return await work();
      } finally {
        hidden -= 1;
      }
    },
    during: async (what, work) => {
      if (!stream.isTTY || quiet || shown > 0) return await work();
      shown += 1;
      const from = performance.now();
      const draw = (): void => {
        const elapsed = performance.now() - from;
        if (elapsed < DELAY_MS || hidden > 0 || signal.aborted || isInLine()) return;
        drawn = true;
        const frame = FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length] ?? '';
        const text = `${frame} ${typeof what === 'string' ? what : what()} … ${Math.floor(elapsed / 1000)} s`;
        stream.write(`${CLEAR}${clipped(text, columnsOf(stream) - 1)}`);
      };
      const timer = setInterval(draw, FRAME_MS);
      const end = (): void => {
        clearInterval(timer);
        clear();
      };
      // Clear the spinner line before `run` prints the interruption message.
      signal.addEventListener('abort', end, { once: true });
      try {
        return await work();
      } finally {
        shown -= 1;
        signal.removeEventListener('abort', end);
        end();
      }
    },
  };
};
