import type { JsonObject } from '../core/json-object.ts';
import type { RpcError } from '../protocol/problem/upstream.ts';
import type { NotificationListener, RemoteFault } from './message.ts';
import { readAnswer } from './read-answer.ts';

/** Sends a request as `fetch` does: `fetch` itself, or a fetcher that carries the secrets of a tool. */
export type RemoteFetch = (url: string, init: RequestInit) => Promise<Response>;

/** One POST to a remote MCP server. */
export type Post = {
  readonly url: string;
  /** Sends the request; without it `fetch` does. */
  readonly fetch?: RemoteFetch;
  readonly headers: Headers;
  readonly body: JsonObject;
  /** Bounds connecting, waiting and reading together. */
  readonly signal: AbortSignal;
  /** The most bytes of the answer, notifications included. */
  readonly maxBytes: number;
  readonly onNotification?: NotificationListener;
  /** Gets the cause of a dropped connection; without it the Worker logs the cause. */
  readonly onDropped?: (cause: unknown) => void;
};

/** The end of one POST. */
export type Exchanged =
  | { readonly kind: 'result'; readonly result: JsonObject; readonly headers: Headers }
  | { readonly kind: 'error'; readonly error: RpcError; readonly status: number }
  | { readonly kind: 'failed'; readonly fault: RemoteFault; readonly status?: number };

/** Encodings that the runtime decodes: the cap counts decoded bytes. */
const DECODED = new Set(['', 'identity', 'gzip', 'br']);

/**
 * Posts a JSON-RPC request and reads its answer, JSON or event stream, up to the response with our id. Never throws. Follows no redirect
 * (CWE-918): `fetch` would send the call and our assertion to a host that no rule has checked.
 */
export const exchange = async (post: Post): Promise<Exchanged> => {
  try {
    const response = await send(post);
    const { status, headers, body } = response;
    const fault = answerFault(status, headers);
    if (fault !== undefined) {
      await body?.cancel().catch(() => undefined);
      return { kind: 'failed', fault, status };
    }
    const id = typeof post.body['id'] === 'string' ? post.body['id'] : null;
    const answer = await readAnswer(response, { ...post, id });
    if (answer.kind === 'result') return { ...answer, headers };
    if (answer.kind === 'error') return { ...answer, status };
    return failed(answer.fault, post.signal, status);
  } catch (cause) {
    if (!post.signal.aborted) {
      const { onDropped = logDropped(post.url) } = post;
      onDropped(cause);
    }
    return failed('dropped', post.signal);
  }
};

const logDropped = (url: string) => (cause: unknown) =>
  console.error({ event: 'remote_dropped', host: hostOf(url), cause: String(cause) });

/** Posts a notification, which has no answer. True if the server accepted it. */
export const notify = async (post: Post): Promise<boolean> => {
  try {
    const { ok, body } = await send(post);
    await body?.cancel().catch(() => undefined);
    return ok;
  } catch {
    return false;
  }
};

const send = async ({ url, headers, body, signal, ...post }: Post): Promise<Response> =>
  await (post.fetch ?? fetch)(url, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    redirect: 'manual',
    signal,
  });

const answerFault = (status: number, headers: Headers): RemoteFault | undefined => {
  // A third party's 402 would make the caller pay twice (law 5).
  if (status === 402) return 'payment';
  if (status >= 300 && status < 400) return 'redirect';
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? '';
  return DECODED.has(encoding) ? undefined : 'encoding';
};

const failed = (fault: RemoteFault, signal: AbortSignal, status?: number): Exchanged => ({
  kind: 'failed',
  fault: signal.aborted ? 'timeout' : fault,
  ...(status === undefined ? {} : { status }),
});

/** For logs: the path of a URL may hold a key. */
export const hostOf = (url: string): string => URL.parse(url)?.host ?? '';
