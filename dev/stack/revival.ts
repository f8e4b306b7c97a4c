import type { Exit } from './process.ts';

/** More crashes than these are no accident: a gateway that ends with every request would restart for ever. */
const MOST = 3;
const WITHIN_MS = 600_000;

/** What becomes of a server that crashed. */
export type Revival = {
  /** Starts it again, with its port and state. */
  readonly restart: () => Promise<void>;
  /** Reports that it runs again. */
  readonly onRevived: (message: string) => void;
  /** Gives up: it crashed too often, or does not start. */
  readonly onCrash: (exit: Exit) => void;
};

/**
 * Returns the handler for the exit of a server that survives crashes, at most three in ten minutes: one crash of the Workers runtime must not
 * end chain, facilitator and everything that was paid on them.
 */
export const newRevival = ({ restart, onRevived, onCrash }: Revival): ((exit: Exit) => void) => {
  let crashes: readonly number[] = [];
  return (exit) => {
    const now = Date.now();
    crashes = [...crashes.filter((at) => now - at < WITHIN_MS), now];
    if (crashes.length > MOST) return onCrash(exit);
    const how = exit.signal === null ? `with code ${exit.code}` : `by ${exit.signal}`;
    void restart().then(
      () =>
        onRevived(
          `The Workers runtime ended ${how} and runs again with its state (crash ${crashes.length} of ${MOST} that are survived in ten minutes). Requests in progress are lost; repeat them.`,
        ),
      () => onCrash(exit),
    );
  };
};
