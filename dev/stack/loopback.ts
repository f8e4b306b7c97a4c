import { type HttpBindings, serve } from '@hono/node-server';
import { randomInt } from 'node:crypto';
import type { Server } from 'node:http';
import { connect, createServer, type Server as NetServer } from 'node:net';

/** The only address the local stack listens on. */
export const LOOPBACK = '127.0.0.1';

/** Below the port range of outgoing connections: such a connection could take the port before the caller does. */
const LOWEST = 10_240;
const HIGHEST = 32_767;
const BLOCK = 32;

/** Ports of the blocks that this process holds, without those that `freePort` has returned. */
const open: number[] = [];

/** Listens on the first port of a random block until this process ends. @returns the other ports of the block */
const holdBlock = async (): Promise<readonly number[]> => {
  for (;;) {
    const first = LOWEST + BLOCK * randomInt((HIGHEST + 1 - LOWEST) / BLOCK);
    const guard = await listen(first);
    guard?.unref();
    if (guard !== undefined) return Array.from({ length: BLOCK - 1 }, (_, at) => first + 1 + at);
  }
};

/** Finds a free TCP port. No other process gets the same port from this function while this process lives. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = open.shift();
    if (port === undefined) open.push(...(await holdBlock()));
    else if (!(await portTaken(port))) return port;
  }
};

/** @returns undefined if another process listens on the port */
const listen = async (port: number): Promise<NetServer | undefined> =>
  await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(port, LOOPBACK, () => resolve(server));
  });

/** Whether a process listens on the port. Tries to listen there for a moment. */
export const portTaken = async (port: number): Promise<boolean> => {
  const server = await listen(port);
  if (server === undefined) return true;
  await new Promise((resolve) => server.close(resolve));
  return false;
};

/** Whether the port accepts connections. Unlike `portTaken`, this never occupies the port. */
export const portAnswers = async (port: number): Promise<boolean> =>
  await new Promise((resolve) => {
    const socket = connect(port, LOOPBACK);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Waits until no process listens on the port. @throws Error after a timeout. */
export const portFreed = async (port: number, milliseconds: number): Promise<void> => {
  const deadline = Date.now() + milliseconds;
  while (await portTaken(port)) {
    if (Date.now() > deadline) throw new Error(`port ${port} is taken`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};

/** Answers one request. Tests wrap handlers to inject faults between two parts. */
export type Handler = (request: Request) => Response | Promise<Response>;

/** Like `Handler`, with the raw Node request and response. */
export type RawHandler = (request: Request, raw: HttpBindings) => Response | Promise<Response>;

/** A listening HTTP server. `url` is an origin without a trailing slash. */
export type RunningServer = {
  readonly url: string;
  readonly port: number;
  /** Closes the port and every connection, also those with a request in progress. */
  readonly stop: () => Promise<void>;
};

/**
 * Milliseconds that an idle connection stays open. Race: Node closes after six seconds and workerd after five. When workerd is late, it
 * sends a request on a connection that Node is closing, and cannot repeat it.
 */
const KEEP_ALIVE = 65_000;

/** Serves on 127.0.0.1, on a free port by default. Rejects when the port is taken. */
export const serveLoopback = async (options: {
  readonly handler: RawHandler;
  readonly port?: number;
}): Promise<RunningServer> =>
  await new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch: async (request, raw) => await options.handler(request, raw as HttpBindings),
        hostname: LOOPBACK,
        port: options.port ?? 0,
        overrideGlobalObjects: false,
      },
      ({ port }) =>
        resolve({
          url: `http://${LOOPBACK}:${port}`,
          port,
          stop: async () =>
            await new Promise((stopped) => {
              server.close(() => stopped());
              server.closeAllConnections();
            }),
        }),
    ) as Server;
    server.keepAliveTimeout = KEEP_ALIVE;
    server.once('error', reject);
  });
