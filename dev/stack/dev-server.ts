import { LOOPBACK, portFreed, portTaken } from './loopback.ts';
import type { Exit, ProcessGroup } from './process.ts';
import { newRevival } from './revival.ts';

/** A Worker that runs on this machine. */
export type DevServer = {
  /** Process group of the current run. */
  readonly processId: () => number;
  /** The end of its output; the log has all of it. */
  readonly output: () => string;
  readonly stop: () => Promise<void>;
  /** Sends SIGKILL to the process group, as a crash would end it. */
  readonly kill: () => Promise<void>;
  /** Starts the Worker again after `stop`, `kill` or a crash, with the same port and state. */
  readonly restart: () => Promise<void>;
};

/** Port and callbacks of a server. */
export type ServerOptions = {
  readonly port: number;
  /** Called when the process ends without `stop` or `kill` and is not restarted. */
  readonly onCrash?: (exit: Exit) => void;
  /** Called after each restart that follows a crash (`revival.ts`). Without this callback the first crash is final. */
  readonly onRevived?: (message: string) => void;
};

/** A start takes 2 s; on two cores that run five of them, one took 37 s. */
const READY_MS = 150_000;

/**
 * Miniflare prints this and restarts the Workers runtime. Under `wrangler dev` a proxy in front of the runtime can then accept connections
 * and never answer. So a process group that prints this is killed, which counts as a crash.
 */
export const RUNTIME_CRASHED = 'The Workers runtime crashed unexpectedly';

/**
 * Race: `wrangler dev` picks free ports, and its runtime listens there later. Another process can take a port in between; the group then
 * ends with this message. The next start picks other ports.
 */
const PORT_TAKEN = 'Address already in use';
const MAX_STARTS = 3;

/** The end of what the server printed, where the cause is. */
const lastWords = (group: ProcessGroup): string => group.output().trim().slice(-1500);

/** Waits until `/healthz` answers 200. Gives up on other answers five seconds after the first of them. */
const healthy = async (url: string, group: ProcessGroup): Promise<void> => {
  const ended: Exit[] = [];
  void group.exited.then((exit) => ended.push(exit));
  const started = Date.now();
  let answered: number | undefined;
  let fault = 'no request was sent';
  for (;;) {
    const [exit] = ended;
    if (exit !== undefined)
      throw new Error(
        `the gateway ended while starting (${exit.signal ?? exit.code}); the end of its output:\n${lastWords(group)}`,
      );
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(
      (error: unknown) => {
        fault = String(error instanceof Error ? (error.cause ?? error) : error);
        return undefined;
      },
    );
    if (answer?.status === 200) return;
    if (answer !== undefined) {
      answered ??= Date.now();
      if (Date.now() - answered > 5000)
        throw new Error(`the gateway is not healthy: ${answer.status} ${await answer.text()}`);
    }
    if (Date.now() - started > READY_MS)
      throw new Error(
        `${url} does not answer (${fault}); the end of its output:\n${lastWords(group)}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
};

/**
 * Starts a program that serves a Worker on 127.0.0.1. Resolves when `/healthz` answers 200. The server ends with this process.
 *
 * @param start Starts the program, for each run anew.
 * @throws Error with the output of the program
 */
export const serve = async (
  start: () => Promise<ProcessGroup>,
  { port, onRevived, onCrash = () => undefined }: ServerOptions,
): Promise<DevServer> => {
  const runOnce = async (): Promise<ProcessGroup> => {
    const group = await start();
    try {
      await healthy(`http://${LOOPBACK}:${port}`, group);
    } catch (error) {
      await group.kill();
      throw error;
    }
    void group.exited.then((exit) => (exit.expected ? undefined : crashed(exit)));
    return group;
  };
  const run = async (times = MAX_STARTS): Promise<ProcessGroup> => {
    try {
      return await runOnce();
    } catch (error) {
      const isOverlap = String(error).includes(PORT_TAKEN) && !(await portTaken(port));
      if (!isOverlap || times <= 1) throw error;
      return await run(times - 1);
    }
  };
  const restart = async (): Promise<void> => {
    await group.kill();
    await portFreed(port, 30_000);
    group = await run();
  };
  const crashed = onRevived === undefined ? onCrash : newRevival({ restart, onRevived, onCrash });
  let group = await run();
  return {
    processId: () => group.id,
    output: () => group.output(),
    stop: async () => await group.stop(),
    kill: async () => await group.kill(),
    restart,
  };
};
