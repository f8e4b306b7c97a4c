import type { Gateway } from '../gateway/gateway.ts';
import { problem } from '../protocol/problem/problem.ts';

export type Handler = (gateway: Gateway, request: Request) => Promise<Response>;

/** A paused gateway starts nothing new. Look-ups, revocations and refunds still work. */
export const unlessPaused =
  (handler: Handler): Handler =>
  async (gateway, request) =>
    gateway.config.paused ? problem({ reason: 'paused' }) : handler(gateway, request);

/** The answer to a request whose handler has thrown. */
export const unhandled = (cause: unknown): Promise<Response> => {
  console.error({ event: 'unhandled', cause: String(cause) });
  return problem({ reason: 'internal' });
};
