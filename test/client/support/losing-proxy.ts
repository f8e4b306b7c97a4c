import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';

/** A request that passed through the proxy. */
export type Passed = { readonly method: string; readonly path: string; readonly proof?: string };

/** A proxy between a client and its gateway that can lose answers. */
export type LosingProxy = RunningServer & {
  readonly passed: readonly Passed[];
  /** Drops the answers to the next `answers` signed requests. The requests still reach the gateway. */
  readonly lose: (answers: number) => void;
};

const PROOFS = ['payment-signature', 'x-payment', 'agent-intent'];
/** Hop-by-hop headers (RFC 9110 §7.6.1), which a proxy does not forward. */
const HOP = ['connection', 'keep-alive', 'transfer-encoding', 'content-length', 'host'];

const without = (headers: Headers, names: readonly string[]): Headers => {
  const kept = new Headers(headers);
  for (const name of names) kept.delete(name);
  return kept;
};

export const startLosingProxy = async (gateway: string): Promise<LosingProxy> => {
  const passed: Passed[] = [];
  let toLose = 0;
  const server = await serveLoopback({
    handler: async (request, { incoming }) => {
      const { pathname, search } = new URL(request.url);
      const path = pathname + search;
      const { method, headers } = request;
      const proof = PROOFS.map((name) => headers.get(name)).find((each) => each !== null);
      passed.push({ method, path, ...(proof === undefined || proof === null ? {} : { proof }) });
      const body = await request.arrayBuffer();
      const answer = await fetch(gateway + path, {
        method,
        headers: without(headers, HOP),
        redirect: 'manual',
        ...(body.byteLength === 0 ? {} : { body }),
      });
      // The answer has arrived completely, so the gateway has finished the call before the proxy drops the answer.
      const bytes = await answer.arrayBuffer();
      if (proof !== undefined && toLose > 0) {
        toLose -= 1;
        incoming.socket.destroy();
        return RESPONSE_ALREADY_SENT;
      }
      return new Response(bytes, {
        status: answer.status,
        headers: without(answer.headers, [...HOP, 'content-encoding']),
      });
    },
  });
  return {
    ...server,
    passed,
    lose: (answers) => {
      toLose = answers;
    },
  };
};
