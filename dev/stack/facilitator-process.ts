import { join } from 'node:path';
import { startListening } from './listening.ts';
import { freePort, LOOPBACK, type RunningServer } from './loopback.ts';
import type { ProcessGroup } from './process.ts';

/** A facilitator in a process of its own. */
export type FacilitatorProcess = RunningServer & {
  /** Sends SIGKILL, as a crash would end it. */
  readonly kill: () => Promise<void>;
  /** Starts it again after `kill`, on the same port. It remembers nothing. */
  readonly restart: () => Promise<void>;
};

/**
 * Starts the facilitator of the official classes in a process of its own. So it can crash alone, and the work of buyers and watcher does
 * not delay the settlements of `@x402/hono` and the gateway.
 *
 * @throws Error if it does not listen in time.
 */
export const startFacilitatorProcess = async (rpc: string): Promise<FacilitatorProcess> => {
  const port = await freePort();
  const program = join(import.meta.dirname, 'facilitator-program.ts');
  const run = async (): Promise<ProcessGroup> =>
    await startListening(program, port, [rpc, String(port)]);
  let group = await run();
  return {
    url: `http://${LOOPBACK}:${port}`,
    port,
    stop: async () => await group.stop(),
    kill: async () => await group.kill(),
    restart: async () => {
      await group.kill();
      group = await run();
    },
  };
};
