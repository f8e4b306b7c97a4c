import { setTimeout as pause } from 'node:timers/promises';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { facilitatorHandler } from '../../../dev/stack/facilitator.ts';
import type { Person } from '../../../dev/stack/people.ts';
import { type Handler, type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';
import type { Random } from '../../falsify/random.ts';
import { draw, type FaultSource } from './fault-source.ts';

/** How a facilitator behaves during an incident. */
export type FacilitatorMode = 'well' | 'down' | 'busy' | 'lying';

/** A real facilitator behind a proxy that drops, delays and falsifies its answers. */
export type FaultyFacilitator = RunningServer & {
  /** Number of requests to settle so far. */
  readonly requests: () => number;
  readonly setMode: (mode: FacilitatorMode) => void;
  /** Clears the facilitator's memory: transaction nonces, and transactions that it waits for. */
  readonly restart: () => void;
};

type Fate =
  | 'well'
  | 'late'
  | 'dropped'
  | 'unanswered'
  | 'brokenAfter'
  | 'falseSuccess'
  | 'falseFailure'
  | 'failureAfter'
  | 'pending'
  | 'pendingFalsely'
  | 'busy'
  | 'garbage';

const NEVER: Readonly<Record<Fate, number>> = {
  ...{ well: 0, late: 0, dropped: 0, unanswered: 0, brokenAfter: 0, falseSuccess: 0 },
  ...{ falseFailure: 0, failureAfter: 0, pending: 0, pendingFalsely: 0, busy: 0, garbage: 0 },
};
const MODES: Readonly<Record<FacilitatorMode, Readonly<Record<Fate, number>>>> = {
  well: {
    ...{ well: 800, late: 30, dropped: 20, unanswered: 20, brokenAfter: 20, falseSuccess: 15 },
    ...{
      falseFailure: 20,
      failureAfter: 15,
      pending: 20,
      pendingFalsely: 10,
      busy: 20,
      garbage: 10,
    },
  },
  down: { ...NEVER, dropped: 1 },
  busy: { ...NEVER, busy: 1 },
  lying: { ...NEVER, falseSuccess: 1, falseFailure: 1, pendingFalsely: 1, garbage: 1 },
};

/** Milliseconds. */
const LATE = [500, 8_000] as const;
/** Seconds. */
const RETRY_AFTER = [1, 5] as const;

const answer = (body: Readonly<Record<string, unknown>>): Response =>
  Response.json({ network: 'eip155:84532', payer: '', transaction: '', ...body });

export const startFaultyFacilitator = async (
  name: string,
  rpc: string,
  { privateKey }: Person,
  faultSource: FaultSource,
): Promise<FaultyFacilitator> => {
  const begin = (): Handler => facilitatorHandler({ rpc, key: privateKey });
  let real = begin();
  let mode: FacilitatorMode = 'well';
  let requests = 0;
  const server = await serveLoopback({
    handler: async (request, { incoming }) => {
      const drop = (): Response => {
        incoming.socket.destroy();
        return RESPONSE_ALREADY_SENT;
      };
      const body = await request.text();
      const forward = async (): Promise<Response> =>
        await real(new Request(request.url, { method: 'POST', headers: request.headers, body }));
      if (request.method !== 'POST') return mode === 'down' ? drop() : await real(request);
      requests += 1;
      const random = faultSource.randomOf(`${name} ${/"nonce":"(0x[0-9a-f]+)"/.exec(body)?.[1]}`);
      const fate = faultSource.isActive('facilitator') ? draw(random, MODES[mode]) : 'well';
      return (await answerOf(fate, forward, random)) ?? drop();
    },
  });
  return {
    ...server,
    requests: () => requests,
    setMode(next) {
      mode = next;
    },
    restart() {
      real = begin();
    },
  };
};

/** Returns undefined if the proxy must break the connection without an answer. */
const answerOf = async (
  fate: Fate,
  forward: () => Promise<Response>,
  random: Random,
): Promise<Response | undefined> => {
  switch (fate) {
    case 'well':
      return await forward();
    case 'late':
      await pause(random.integer(...LATE));
      return await forward();
    case 'dropped':
      return undefined;
    case 'unanswered':
      void forward().catch(() => undefined);
      await pause(random.integer(0, 1_000));
      return undefined;
    case 'brokenAfter':
      void forward().catch(() => undefined);
      await pause(random.integer(0, 1_000));
      return new Response('Internal Server Error', { status: 500 });
    case 'falseSuccess':
      return answer({ success: true, transaction: random.hex(32) });
    case 'falseFailure':
      return answer({ success: false, errorReason: 'unexpected_settle_error' });
    case 'failureAfter':
      await forward();
      return answer({ success: false, errorReason: 'invalid_transaction_state' });
    case 'pending':
      void forward().catch(() => undefined);
      return answer({ success: false, errorReason: 'settlement_pending' });
    case 'pendingFalsely':
      return answer({
        success: false,
        errorReason: 'settlement_pending',
        transaction: random.hex(32),
      });
    case 'busy':
      return new Response('Too Many Requests', {
        status: 429,
        headers: { 'Retry-After': String(random.integer(...RETRY_AFTER)) },
      });
    case 'garbage':
      return new Response('{"success": "yes"', { headers: { 'Content-Type': 'application/json' } });
  }
};
