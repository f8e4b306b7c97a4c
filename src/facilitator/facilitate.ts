import { problem } from '../protocol/problem/problem.ts';
import type { Facilitator } from './claim-success.ts';
import { paymentStatus, STATUS_PATH } from './payment-status.ts';
import { settle } from './settle.ts';
import { supported } from './supported.ts';
import { verify } from './verify.ts';

/**
 * Serves the facilitator API of x402 for the servers of listed addresses. The Worker loads this module with the first request below
 * `/facilitator`. A paused gateway settles nothing new, but still answers from the chain.
 */
export const facilitate = async (gateway: Facilitator, request: Request): Promise<Response> => {
  const { method } = request;
  const { pathname } = new URL(request.url);
  const only = async (allowed: string, serve: () => Promise<Response> | Response) =>
    method === allowed ? serve() : problem({ reason: 'method_not_allowed', allow: [allowed] });
  const unlessPaused = (serve: () => Promise<Response>) => async () =>
    gateway.config.paused ? problem({ reason: 'paused' }) : serve();
  if (pathname === '/facilitator/supported') return only('GET', () => supported(gateway.config));
  if (pathname === '/facilitator/verify') {
    return only(
      'POST',
      unlessPaused(async () => verify(gateway, request)),
    );
  }
  if (pathname === '/facilitator/settle') {
    return only(
      'POST',
      unlessPaused(async () => {
        // A server that hangs up does not stop a payment that may be under way (law 5).
        const work = settle(gateway, request);
        gateway.waitUntil(work);
        return work;
      }),
    );
  }
  return pathname.startsWith(STATUS_PATH)
    ? only('GET', async () => paymentStatus(gateway, request))
    : problem({ reason: 'not_found' });
};
