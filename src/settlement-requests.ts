import { WorkerEntrypoint } from 'cloudflare:workers';
import type { BackendAnswer, SettleRequest } from './settlement/backends/backend.ts';
import { postSettles } from './settlement/backends/facilitator-api.ts';

/**
 * Sends requests to facilitators in an invocation of its own (`ctx.exports`), because an invocation has six connections and a facilitator
 * holds one until the payment is mined. No other Worker can call it unless the operator binds it as a service.
 */
export class SettlementRequests extends WorkerEntrypoint<Env> {
  /** Sends all requests at once. @returns one answer per request, in order. */
  async postAll(requests: readonly SettleRequest[]): Promise<readonly BackendAnswer[]> {
    return postSettles(requests);
  }
}
