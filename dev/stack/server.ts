import type { Server } from 'node:http';
import { type HttpBindings, serve } from '@hono/node-server';
import { LOOPBACK } from './ports.ts';

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
