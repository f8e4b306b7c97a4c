import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll } from 'vitest';

/** The credentials that the upstream demands. */
export type Credentials = {
  readonly apiKey: string;
  readonly user: string;
  readonly password: string;
  readonly queryKey: string;
  readonly signingKey: string;
  readonly zoneKey: string;
};

const unicode = (text: string): string =>
  [...text].map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

type Answer = (response: ServerResponse, leak: string, request: IncomingMessage) => void;

const text =
  (body: (leak: string) => string, type = 'text/plain'): Answer =>
  (response, leak) => {
    response.writeHead(200, { 'Content-Type': type });
    response.end(body(leak));
  };

const encodedAs =
  (encoding: string, encode: (bytes: Buffer) => Uint8Array): Answer =>
  (response, leak) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': encoding });
    response.end(encode(Buffer.from(`before ${leak} after`)));
  };

/** Every way in which the upstream tries to return a credential, by path. */
export const LEAKS: Readonly<Record<string, Answer>> = {
  plain: text((leak) => `before ${leak} after`),
  upper: text((leak) => leak.toUpperCase()),
  base64: text((leak) => Buffer.from(`xy${leak}z`).toString('base64')),
  base64url: text((leak) => Buffer.from(`x${leak}`).toString('base64url')),
  hex: text((leak) => Buffer.from(leak).toString('hex').toUpperCase()),
  percent: text(percent),
  component: text(encodeURIComponent),
  json: text((leak) => JSON.stringify({ leak }), 'application/json'),
  unicode: text((leak) => `{"leak":"${unicode(leak)}"}`, 'application/json'),
  half: text(
    (leak) => `{"leak":"${unicode(leak.slice(0, 5))}${JSON.stringify(leak.slice(5)).slice(1)}}`,
    'application/json',
  ),
  html: text((leak) => leak.replaceAll('&', '&amp;').replaceAll('<', '&lt;'), 'text/html'),
  status: (response, leak) => {
    response.writeHead(200, leak, { 'Content-Type': 'text/plain' });
    response.end('ok');
  },
  headers: (response, leak) => {
    response.writeHead(200, {
      'Content-Type': `text/plain; note="${leak}"`,
      'X-Echo': leak,
      ETag: `"${leak}"`,
      Link: `<https://a.example/?key=${encodeURIComponent(leak)}>; rel="next"`,
      'Set-Cookie': leak,
    });
    response.end('ok');
  },
  chunks: (response, leak) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    const bytes = Buffer.from(`before ${leak} after`);
    const send = (at: number): void => {
      if (at >= bytes.length) return void response.end();
      response.write(bytes.subarray(at, at + 1), () => setImmediate(() => send(at + 1)));
    };
    send(0);
  },
  large: (response, leak) => {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    response.write('a'.repeat(65_530));
    response.write(leak);
    response.end('b'.repeat(200_000) + leak);
  },
  events: (response, leak) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write(`data: ${leak}\n\n`);
    setTimeout(() => response.end(`data: ${JSON.stringify({ leak })}\n\n`), 50);
  },
  error: (response, leak) => {
    response.writeHead(500, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ error: `bad key ${leak}` }));
  },
  refused: (response, leak) => {
    response.writeHead(403, { 'Content-Type': 'text/plain', 'WWW-Authenticate': leak });
    response.end(`not ${leak}`);
  },
  redirect: (response, leak) => {
    response.writeHead(302, { Location: `/plain?key=${encodeURIComponent(leak)}` });
    response.end(leak);
  },
  cut: (response, leak) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 5_000 });
    response.write(leak, () => setTimeout(() => response.destroy(), 50));
  },
  gzip: encodedAs('gzip', gzipSync),
  brotli: encodedAs('br', brotliCompressSync),
  deflate: encodedAs('deflate', deflateSync),
  zstd: encodedAs('zstd', zstdCompressSync),
};

/** A request that the upstream received, without the headers that the gateway always adds. */
export type Seen = { readonly path: string; readonly authorized: boolean };

/** Starts a fake hostile upstream that demands credentials and then returns them to the caller in its answers. */
export const useEchoUpstream = (
  credentials: Credentials,
): { readonly host: () => string; readonly seen: Seen[] } => {
  const { apiKey, user, password, queryKey, signingKey, zoneKey } = credentials;
  const seen: Seen[] = [];
  const isAuthorized = (request: IncomingMessage, body: Buffer): boolean => {
    const url = new URL(request.url ?? '/', 'http://upstream');
    const signature = createHmac('sha256', signingKey)
      .update(`${request.method}\n${request.url}\n`)
      .update(body)
      .digest('hex');
    return (
      request.headers['x-api-key'] === apiKey &&
      request.headers['x-zone-key'] === zoneKey &&
      request.headers.authorization ===
        `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` &&
      url.searchParams.get('key') === queryKey &&
      url.searchParams.getAll('key').length === 1 &&
      request.headers['x-signature'] === `sha256=${signature}`
    );
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
      const authorized = isAuthorized(request, Buffer.concat(chunks));
      seen.push({ path: pathname, authorized });
      if (!authorized) return void response.writeHead(401).end('who?');
      const leaks: Readonly<Record<string, string | undefined>> = {
        ...credentials,
        authorization: request.headers.authorization,
        signature: String(request.headers['x-signature']),
      };
      const leak = leaks[searchParams.get('of') ?? ''] ?? '';
      LEAKS[pathname.slice(1)]?.(response, leak, request);
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { host: () => `127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
};
