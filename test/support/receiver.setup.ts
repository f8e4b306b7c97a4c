import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';

/** A received request. `sentBytes`: bytes of an endless answer that the receiver wrote before the client closed. */
export type Received = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  sentBytes: number;
};

/**
 * Starts a local server for tests inside workerd. It answers `POST /<behaviour>/<key>` by the behaviour: a status, `slow` (never),
 * `redirect` (to `/200/<key>-elsewhere`), `endless` (200 and an endless body), `trickle` (200 and a byte every 20 ms), or `twice-500`
 * (then 200). All but the last do so for every method and for longer paths. Any other `GET /<key>` returns the requests for a key.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const seen = new Map<string, Received[]>();
  const server = createServer((request, response) => {
    void answer(request, response, seen);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  project.provide('receiver', `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => closed(server);
}

/** Behaviours for every method. Any other GET returns the received requests. */
const ANY_METHOD = new Set(['redirect', '200', 'endless', 'trickle', 'slow']);
const TRICKLE_MS = 20;

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  seen: Map<string, Received[]>,
): Promise<void> => {
  const [, first = '', second = ''] = (request.url ?? '').split('/');
  if (request.method === 'GET' && !ANY_METHOD.has(first)) {
    response.end(JSON.stringify(seen.get(first) ?? []));
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const received: Received = {
    method: request.method ?? '',
    headers: request.headers as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
    sentBytes: 0,
  };
  const before = seen.get(second) ?? [];
  seen.set(second, [...before, received]);
  switch (first) {
    case 'slow':
      return;
    case 'redirect':
      response.writeHead(307, { location: `/200/${second}-elsewhere` }).end();
      return;
    case 'twice-500':
      response.writeHead(before.length < 2 ? 500 : 200).end('busy');
      return;
    case 'trickle':
      response.writeHead(200, { 'content-type': 'application/json' });
      trickle(response, received);
      return;
    case 'endless':
      response.writeHead(200);
      flood(response, received);
      return;
    default:
      response.writeHead(Number(first)).end('{"received":true}');
  }
};

const trickle = (response: ServerResponse, received: Received): void => {
  const timer = setInterval(() => {
    received.sentBytes += 1;
    response.write(' ');
  }, TRICKLE_MS);
  response.on('close', () => clearInterval(timer));
};

const flood = (response: ServerResponse, received: Received): void => {
  const garbage = Buffer.alloc(16_384, 0xff);
  const write = (): void => {
    while (!response.destroyed) {
      received.sentBytes += garbage.length;
      if (!response.write(garbage)) {
        response.once('drain', write);
        return;
      }
    }
  };
  write();
};

const closed = async (server: Server): Promise<void> =>
  await new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    receiver: string;
  }
}
