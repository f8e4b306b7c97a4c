import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Response headers with which a tool could impersonate the gateway, or control caches and browsers of the gateway's origin. */
export const FORBIDDEN: Readonly<Record<string, string | string[]>> = {
  'Set-Cookie': ['session=tool; Path=/', 'other=1'],
  'Cache-Control': 'public, max-age=31536000',
  Expires: 'Fri, 01 Jan 2100 00:00:00 GMT',
  Age: '1',
  'Access-Control-Allow-Credentials': 'true',
  'Access-Control-Allow-Methods': 'TRACE',
  'PAYMENT-RESPONSE': 'forged',
  'PAYMENT-REQUIRED': 'forged',
  'X-PAYMENT-RESPONSE': 'forged',
  'Agent-Receipt': 'forged',
  'Agent-Intent': 'forged',
  'X-Agent-Assertion': 'forged',
  RateLimit: '"forged";r=1',
  'Strict-Transport-Security': 'max-age=1',
  'WWW-Authenticate': 'Basic realm="tool"',
  'Clear-Site-Data': '"*"',
  'X-Hop': 'named by Connection',
  Connection: 'keep-alive, X-Hop',
};

/** Response headers of a tool that the gateway passes on to the caller. */
export const ALLOWED: Readonly<Record<string, string>> = {
  'Content-Type': 'text/x-adorned',
  ETag: '"1"',
  'Content-Language': 'fr',
  'X-Tool-Version': '7',
};

/** A proxy in front of the upstream. */
export type Adorned = {
  readonly url: string;
  /** Sends the second event of `/echo/events` and ends the stream. */
  readonly release: () => void;
  readonly stop: () => void;
};

/**
 * Starts a proxy in front of the upstream. It answers `/echo/adorned` with all headers above, and `/echo/events` with one event at once and
 * a second one after `release`. It forwards every other request.
 */
export const adorn = async (upstream: string): Promise<Adorned> => {
  const released = Promise.withResolvers<void>();
  const server = createServer((incoming, outgoing) => {
    if (incoming.url === '/echo/adorned') {
      outgoing.writeHead(200, { ...FORBIDDEN, ...ALLOWED }).end('adorned');
      return;
    }
    if (incoming.url === '/echo/events') {
      outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('id: 1\n\n');
      void released.promise.then(() => outgoing.end('id: 2\n\n'));
      return;
    }
    const { method, rawHeaders } = incoming;
    const onward = request(upstream + incoming.url, { method, headers: rawHeaders }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.once('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    release: released.resolve,
    stop,
  };
};
