import type { Exit } from './process.ts';

/** The parts of a stack. They stop in reverse order, at the end or when one of them crashes. */
export type Parts = {
  /** Starts a part, registers its `stop`, and reports how long the start took. */
  readonly start: <T extends { stop: () => Promise<void> }>(
    name: string,
    where: (started: T) => string,
    start: () => Promise<T>,
  ) => Promise<T>;
  /** Registers a step for the end, before those that are registered already. */
  readonly atEnd: (step: () => Promise<void>) => void;
  /** Registers a step that runs after all others, unless a part crashed: the logs then stay for the developer to read. */
  readonly atCleanEnd: (step: () => Promise<void>) => void;
  /** Returns the handler for the exit of a part. */
  readonly onCrash: (part: string, output: () => string) => (exit: Exit) => void;
  /** Resolves with a message when a part crashed and the others are stopped. Never rejects. */
  readonly crashed: Promise<string>;
  /** Whether a part crashed; the others may still be stopping. */
  readonly hasCrashed: () => boolean;
  readonly end: () => Promise<void>;
};

export const newParts = (
  onProgress?: (part: string, where: string, milliseconds: number) => void,
): Parts => {
  const steps: (() => Promise<void>)[] = [];
  let ended: Promise<void> | undefined;
  let crash: string | undefined;
  let report: (message: string) => void = () => {};
  const crashed = new Promise<string>((resolve) => {
    report = resolve;
  });
  const end = async (): Promise<void> => {
    ended ??= (async () => {
      for (const step of steps.toReversed()) await step();
    })();
    await ended;
  };
  return {
    crashed,
    hasCrashed: () => crash !== undefined,
    end,
    atEnd: (step) => {
      steps.push(step);
    },
    atCleanEnd: (step) => {
      steps.unshift(async () => {
        if (crash === undefined) await step();
      });
    },
    start: async (name, where, start) => {
      const from = performance.now();
      const started = await start();
      steps.push(started.stop);
      if (crash !== undefined) throw new Error(crash);
      onProgress?.(name, where(started), Math.round(performance.now() - from));
      return started;
    },
    onCrash: (part, output) => (exit) => {
      if (exit.expected || ended !== undefined) return;
      const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
      crash ??= `${part} ended ${how}; the end of its output:\n${output().trim().slice(-2000)}`;
      const message = crash;
      void end().then(() => report(message));
    },
  };
};
