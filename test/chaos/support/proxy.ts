import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';

/** A server that the gateway calls. */
export type Party = 'upstream' | 'facilitator' | 'rpc';

/** One request of the gateway to another party. */
export type Message = {
  readonly party: Party;
  readonly path: string;
  /** Path and body in lower case. They contain the payer's address, with 0x or as a word of call data. */
  readonly text: string;
};

/** `drop` closes the connection without an answer. */
export type Answered = Response | 'drop';

/**
 * Decides what happens to a message. Only `forward` passes it on. The answer may be the real one or another one, and may never come.
 */
export type Intercept = (message: Message, forward: () => Promise<Response>) => Promise<Answered>;

/** Hop-by-hop headers, which a proxy must not forward (RFC 9110 §7.6.1), and those that `fetch` sets. */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host'] as const;

const without = (headers: Headers, names: readonly string[]): Headers => {
  const kept = new Headers(headers);
  for (const name of names) kept.delete(name);
  return kept;
};

/** Starts a proxy between the gateway and another party. `intercept` decides about every message. */
export const startProxy = async (options: {
  readonly party: Party;
  /** Origin of the real server. */
  readonly target: string;
  readonly intercept: Intercept;
}): Promise<RunningServer> =>
  await serveLoopback({
    handler: async (request, { incoming }) => {
      const { pathname, search } = new URL(request.url);
      const body = await request.arrayBuffer();
      const path = pathname + search;
      const text = (path + Buffer.from(body).toString('utf8')).toLowerCase();
      const forward = async (): Promise<Response> => {
        const response = await fetch(options.target + path, {
          method: request.method,
          headers: without(request.headers, HOP),
          redirect: 'manual',
          ...(body.byteLength === 0 ? {} : { body }),
        });
        // Read the whole body: after this line the other party has completed the request.
        const bytes = await response.arrayBuffer();
        const headers = without(response.headers, [...HOP, 'content-encoding']);
        return new Response(bytes, { status: response.status, headers });
      };
      const answered = await options.intercept({ party: options.party, path, text }, forward);
      if (answered !== 'drop') return answered;
      incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    },
  });
