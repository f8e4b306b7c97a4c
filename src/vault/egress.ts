import { err, ok, type Result } from '../core/result.ts';
import { utf8 } from '../crypto/bytes.ts';
import { type EgressReach, readEgressUrl } from '../protocol/egress-url.ts';
import { problem } from '../protocol/problem/problem.ts';
import { open } from './envelope.ts';
import { type Draft, type Filled, placeSecrets } from './place.ts';
import type { Placement } from './placement.ts';
import { type BodyScrubber, openScrubber, type Scrubber } from './scrubber.ts';
import type { SealedSecret } from './secret.ts';
import type { VaultKeys } from './vault-keys.ts';

/** Calls an upstream with a tool's secrets, as `fetch` does. */
export type SecretFetcher = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
};

/** The parts that a request with secrets needs. */
export type SecretEgress = {
  /** A placement of the tool, and its secret. */
  readonly secrets: readonly { readonly placement: Placement; readonly sealed: SealedSecret }[];
  readonly keys: VaultKeys;
  readonly reach: EgressReach;
  /** Called once for each secret that the upstream returned. */
  readonly onReturned: (secret: string, host: string) => void;
};

/** Encodings that the runtime decodes. In any other encoding a secret would pass unseen. */
const DECODED = new Set(['', 'identity', 'gzip', 'br']);

/** Charsets whose ASCII is one byte a character, as the scrubber reads it. In UTF-16 a secret would pass unseen. */
const READ = new Set(['utf-8', 'utf8', 'us-ascii', 'iso-8859-1']);

const isReadable = (contentType: string): boolean =>
  [...contentType.matchAll(/charset\s*=\s*"?([^\s;,"]*)/gi)].every(([, name = '']) =>
    READ.has(name.toLowerCase()),
  );

/** Headers of an answer that pass, scrubbed. All others could carry anything. */
const PASSED = [
  'content-type',
  'content-language',
  'content-disposition',
  'content-range',
  'etag',
  'last-modified',
  'link',
  'location',
  'retry-after',
  'vary',
  'x-request-id',
  'settlement-overrides',
  // The session of an MCP server, which the gateway sends back to it.
  'mcp-session-id',
];

/**
 * Returns the fetcher of one call. The secrets go to the host that each is bound to, over https, and no redirect is followed: `fetch` would
 * send custom headers to the next host too. The whole answer is scrubbed before it is returned. A value is decrypted only here.
 */
export const openSecretFetcher = (egress: SecretEgress): SecretFetcher => ({
  fetch: async (url, init) => {
    const filled = await fill(egress, url);
    if (!filled.ok) throw new Error(filled.error);
    const headers = new Headers(init.headers);
    // A range may begin inside a secret, and two answers could be joined later.
    headers.delete('range');
    headers.delete('if-range');
    // Never the caller's encodings: the caller could choose one that the scrubber does not read.
    headers.delete('accept-charset');
    headers.set('accept-encoding', 'identity');
    const draft = { method: init.method ?? 'GET', url, headers, body: bytesOf(init.body) };
    const placed = await placeSecrets(draft, filled.value, Date.now());
    if (!placed.ok) {
      if (placed.error.kind === 'tool') throw new Error('a placement does not fit its secret');
      const { field, reason } = placed.error.fault;
      return await problem({ reason: 'malformed_request', field, hint: reason });
    }
    const { host } = new URL(url);
    const returned = new Set<string>();
    const whole = openScrubber(placed.value.guarded, (name) => {
      if (!returned.has(name)) egress.onReturned(name, host);
      returned.add(name);
    });
    let scrubber: Scrubber;
    try {
      scrubber = whole.answerTo(partsOf(draft));
    } catch {
      const hint = 'holds too many escapes';
      return await problem({ reason: 'malformed_request', field: 'body', hint });
    }
    const response = await send(placed.value, init);
    return scrubbed(response, scrubber);
  },
});

/**
 * The caller's request before the gateway adds secrets to it.
 *
 * Attack: a caller sends guesses to a tool that echoes its input. If a right guess came back as `[secret:name]`, each answer would confirm
 * or refute every guess in it. So the scrubber leaves every text that the caller sent unchanged, right or wrong.
 */
const partsOf = ({ url, headers, body }: Draft): readonly Uint8Array[] => [
  ...[url, ...headers.values()].map(utf8),
  ...(body === null ? [] : [body]),
];

/** Callers give bytes, or the text of a JSON-RPC message. */
const bytesOf = (body: RequestInit['body']): Uint8Array<ArrayBuffer> | null =>
  typeof body === 'string'
    ? new Uint8Array(utf8(body))
    : ((body ?? null) as Uint8Array<ArrayBuffer> | null);

/** @throws Error without a cause, because the runtime's error may name the URL, which may hold a secret */
const send = async (
  {
    url,
    method,
    headers,
    body,
  }: Pick<Request, 'url' | 'method'> & {
    readonly headers: Headers;
    readonly body: Uint8Array<ArrayBuffer> | null;
  },
  init: RequestInit,
): Promise<Response> => {
  try {
    return await fetch(url, { ...init, method, headers, body, redirect: 'manual' });
  } catch {
    throw new Error('the upstream did not answer');
  }
};

const fill = async (
  { secrets, keys, reach }: SecretEgress,
  url: string,
): Promise<Result<readonly Filled[], string>> => {
  const read = readEgressUrl(url, reach);
  const filled: Filled[] = [];
  for (const { placement, sealed } of secrets) {
    if (!read.ok || read.value.host !== sealed.host)
      return err('the secret is bound to another host');
    const opened = await open(sealed, keys);
    if (!opened.ok) return err(`the secret ${sealed.name} is ${opened.error}`);
    filled.push({ placement, value: opened.value });
  }
  return ok(filled);
};

const scrubbed = async (response: Response, scrubber: Scrubber): Promise<Response> => {
  const { status, body } = response;
  const encoding = response.headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  const contentType = response.headers.get('content-type') ?? '';
  const isRead = status >= 200 && status <= 599 && DECODED.has(encoding) && isReadable(contentType);
  if (!isRead) {
    await body?.cancel().catch(() => undefined);
    if (status < 200 || status > 599) throw new Error('the upstream sent no final status');
    // The status text is the upstream's, so none is copied. The gateway refuses the encoding.
    return new Response(null, { status, headers: { 'content-encoding': 'unknown' } });
  }
  const headers = new Headers();
  for (const name of PASSED) {
    const value = response.headers.get(name);
    if (value !== null) headers.set(name, scrubber.text(value));
  }
  const isEvents = /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType);
  const opened = isEvents ? scrubber.events() : scrubber.body();
  const plain = encoding === '' || encoding === 'identity';
  const declared = plain ? response.headers.get('content-length') : null;
  const length = declared === null ? undefined : Number(declared);
  return new Response(body?.pipeThrough(scrubbing(opened, length)) ?? null, { status, headers });
};

/** @param length the length of the body, if it was announced: a shorter body was cut off, which the scrubbed answer cannot show */
const scrubbing = (
  { push, end }: BodyScrubber,
  length: number | undefined,
): TransformStream<Uint8Array, Uint8Array> => {
  let received = 0;
  return new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      received += chunk.length;
      const passed = push(chunk);
      if (passed.length > 0) controller.enqueue(passed);
    },
    flush(controller) {
      const rest = end();
      if (rest.length > 0) controller.enqueue(rest);
      if (length !== undefined && received !== length) {
        controller.error(new Error('the answer was cut'));
      }
    },
  });
};
