import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { LOOPBACK } from '../../../dev/stack/loopback.ts';

/** A request that the server received. */
export type Received = {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The value of the request's proof. */
  readonly proof: string | undefined;
};

/** Answers a request, or leaves it without an answer. `at` counts the server's requests from 1. */
export type Conduct = (
  received: Received,
  response: ServerResponse,
  at: number,
) => void | Promise<void>;

/** A malicious server, with a record of every request. */
export type Mallory = {
  readonly url: string;
  readonly received: readonly Received[];
  /** Every proof that it received, including repeats. */
  readonly proofs: () => readonly string[];
  readonly stop: () => Promise<void>;
};

const PROOFS = ['payment-signature', 'x-payment', 'agent-intent'] as const;

const read = async (request: IncomingMessage): Promise<Received> => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const carried = PROOFS.map((name) => request.headers[name]).find((each) => each !== undefined);
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    body: Buffer.concat(chunks),
    proof: Array.isArray(carried) ? carried.join() : carried,
  };
};

/** Starts a server on 127.0.0.1 with Node's raw HTTP API, which lets it send malformed answers. */
export const startMallory = async (conduct: Conduct): Promise<Mallory> => {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void read(request).then(
      async (each) => {
        received.push(each);
        await conduct(each, response, received.length);
      },
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, LOOPBACK, resolve);
  });
  return {
    url: `http://${LOOPBACK}:${(server.address() as AddressInfo).port}`,
    received,
    proofs: () => received.flatMap(({ proof }) => proof ?? []),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
};
