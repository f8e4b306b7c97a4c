import type { JsonObject } from '../../../src/core/json-object.ts';
import { vi } from 'vitest';

/** A request that the scripted server received. */
export type Seen = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly redirect: string | undefined;
  readonly message: JsonObject & {
    readonly id?: string;
    readonly method?: string;
    readonly params?: JsonObject;
  };
};

export type Script = (seen: Seen, init: RequestInit) => Response | Promise<Response>;

/** Replaces the network by a remote MCP server. Returns the requests that it receives. */
export const serveRemote = (script: Script): readonly Seen[] => {
  const all: Seen[] = [];
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const text = typeof init.body === 'string' ? init.body : '{}';
    const seen: Seen = {
      url,
      method: init.method ?? 'GET',
      headers: new Headers(init.headers),
      redirect: init.redirect,
      message: JSON.parse(text) as Seen['message'],
    };
    all.push(seen);
    return await script(seen, init);
  });
  return all;
};

/** Answers as JSON. */
export const answer = ({ message }: Seen, result: object): Response =>
  Response.json({ jsonrpc: '2.0', id: message.id, result });

/** Answers with a JSON-RPC error. */
export const refuse = ({ message }: Seen, status: number, error: object): Response =>
  Response.json({ jsonrpc: '2.0', id: message.id, error }, { status });

/** Answers with an event stream of these chunks, and counts how many the reader took. */
export const streamed = (
  chunks: Iterable<string>,
): {
  readonly response: Response;
  readonly taken: () => number;
  readonly cancelled: () => boolean;
} => {
  const iterator = chunks[Symbol.iterator]();
  let taken = 0;
  let cancelled = false;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const { done, value } = iterator.next();
        if (done === true) return controller.close();
        taken += 1;
        controller.enqueue(new TextEncoder().encode(value));
      },
      cancel() {
        cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  const response = new Response(body, { headers: { 'Content-Type': 'text/event-stream' } });
  return { response, taken: () => taken, cancelled: () => cancelled };
};

export const event = (json: object): string => `event: message\ndata: ${JSON.stringify(json)}\n\n`;
