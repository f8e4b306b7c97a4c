import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type RunningServer, serveLoopback } from '../../../dev/stack/server.ts';

/** Whom the gateway talks to. */
export type Party = 'upstream' | 'facilitator' | 'rpc';

/** One request of the gateway to somebody else. */
export type Message = {
  readonly party: Party;
  readonly path: string;
  /** Path and body in lower case: the address of a payer stands in it, with 0x or as a word of call data. */
  readonly text: string;
};

/** `drop` closes the connection without an answer. */
export type Answered = Response | 'drop';

/**
 * What becomes of a message. Nothing is passed on unless `forward` is called; an answer is the other side's, another one, or
 * never comes.
 */
export type Conduct = (message: Message, forward: () => Promise<Response>) => Promise<Answered>;

/** Headers of one connection, which are not to be passed to the next. */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host'] as const;

const without = (headers: Headers, names: readonly string[]): Headers => {
  const kept = new Headers(headers);
  for (const name of names) kept.delete(name);
  return kept;
};

/** Puts itself between the gateway and another part: every message is conducted. */
export const startProxy = async (options: {
  readonly party: Party;
  /** Origin of the real thing. */
  readonly target: string;
  readonly conduct: Conduct;
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
        // Read whole: from here on the other side has done what it does, whatever becomes of us.
        const bytes = await response.arrayBuffer();
        const headers = without(response.headers, [...HOP, 'content-encoding']);
        return new Response(bytes, { status: response.status, headers });
      };
      const answered = await options.conduct({ party: options.party, path, text }, forward);
      if (answered !== 'drop') return answered;
      incoming.socket.destroy();
      return RESPONSE_ALREADY_SENT;
    },
  });
