import type { Exit } from './process.ts';

/** Give up after this many crashes: a gateway that crashes on every request would otherwise restart forever. */
const MOST = 3;
const WITHIN_MS = 600_000;

/** Handles the crashes of a server. */
export type Revival = {
  /** Starts it again, with its port and state. */
  readonly restart: () => Promise<void>;
  /** Reports that it runs again. */
  readonly onRevived: (message: string) => void;
  /** Gives up: the server crashed too often, or does not start. */
  readonly onCrash: (exit: Exit) => void;
};

/**
 * Returns the handler for the exit of a server that survives crashes, at most three in ten minutes: one crash of the Workers runtime must
 * not stop the chain and the facilitator, and lose every payment made on them.
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
