import { join } from 'node:path';
import { freePort, LOOPBACK, portAnswers, type RunningServer } from '../stack/loopback.ts';
import { startProcess } from '../stack/process.ts';

const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/**
 * Starts the facilitator of the official classes in a process of its own: in the process of buyers and watcher their work would delay every
 * settlement, at `@x402/hono` and at the gateway.
 *
 * @throws Error where it does not listen in time.
 */
export const startFacilitatorProcess = async (rpc: string): Promise<RunningServer> => {
  const port = await freePort();
  const { stop, output } = startProcess({
    program: process.execPath,
    arguments: [join(import.meta.dirname, 'facilitator-process.ts'), rpc, String(port)],
  });
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await portAnswers(port))) {
    if (performance.now() > deadline) {
      await stop();
      throw new Error(`The facilitator does not listen: ${output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { url: `http://${LOOPBACK}:${port}`, port, stop };
};
