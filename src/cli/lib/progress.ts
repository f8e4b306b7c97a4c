import { columnsOf, type Stream } from './output.ts';
import { clipped } from './text.ts';

/** A spinner on stderr while something takes long. */
export type Progress = {
  /** Runs the work, and shows what it is once it takes longer than a second. */
  during<T>(what: string | (() => string), work: () => Promise<T>): Promise<T>;
  /** Hides the spinner while the work owns the terminal, e.g. a prompt. */
  hidden<T>(work: () => Promise<T>): Promise<T>;
};

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const DELAY_MS = 1000;
const FRAME_MS = 100;
const CLEAR = '\r\u001B[2K';

/** Draws on a terminal only; with `quiet` not even there. */
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
        if (elapsed < DELAY_MS || hidden > 0 || signal.aborted) return;
        drawn = true;
        const frame = FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length] ?? '';
        const text = `${frame} ${typeof what === 'string' ? what : what()} … ${Math.floor(elapsed / 1000)} s`;
        stream.write(`${CLEAR}${clipped(text, columnsOf(stream) - 1)}`);
      };
      const timer = setInterval(draw, FRAME_MS);
      const end = (): void => {
        clearInterval(timer);
        if (drawn) stream.write(CLEAR);
        drawn = false;
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
