import { columnsOf, type Stream } from './output.ts';
import { clipped } from './text.ts';

/** Shows that something takes long; nothing where nobody watches. */
export type Progress = {
  /** Does the work; what it is doing is shown once that takes longer than a second. */
  during<T>(what: string, work: () => Promise<T>): Promise<T>;
  /** Does something that has the terminal for itself, e.g. a question. */
  hidden<T>(work: () => Promise<T>): Promise<T>;
};

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const PATIENCE_MS = 1000;
const FRAME_MS = 100;
const CLEAR = '\r\u001B[2K';

/** On a terminal only; `quiet`: not even there, e.g. with `--json`. */
export const createProgress = (stream: Stream, quiet: boolean, signal: AbortSignal): Progress => {
  let shown = 0;
  let hidden = 0;
  return {
    hidden: async (work) => {
      hidden += 1;
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
      let drawn = false;
      const draw = (): void => {
        const elapsed = performance.now() - from;
        if (elapsed < PATIENCE_MS || hidden > 0 || signal.aborted) return;
        drawn = true;
        const frame = FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length] ?? '';
        const text = `${frame} ${what} … ${Math.floor(elapsed / 1000)} s`;
        stream.write(`${CLEAR}${clipped(text, columnsOf(stream) - 1)}`);
      };
      const timer = setInterval(draw, FRAME_MS);
      const end = (): void => {
        clearInterval(timer);
        if (drawn) stream.write(CLEAR);
        drawn = false;
      };
      // Whatever is said of the interruption must not stand behind the spinner.
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
