import { nowSeconds } from '../core/clock.ts';
import { ok } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { Handler } from './handler.ts';
import { eventStream } from './event-stream.ts';
import { refuse } from './reply.ts';

const LAST = 'Last-Event-ID';
const SEQ = /^(0|[1-9][0-9]{0,14})$/;

/** An account's log as it grows. Who was listening before goes on after the last entry it has seen; anybody else hears from now on. */
export const follow: Handler<'account.events'> = async ({
  context,
  by,
  params,
  query,
  request,
}) => {
  const last = request.headers.get(LAST);
  if (last !== null && !SEQ.test(last)) {
    const hint = 'must be the id of an event of this stream';
    return refuse({ reason: 'malformed_request', field: 'last-event-id', hint });
  }
  // A place that no chain reaches is where it stands now.
  const after = last === null ? (query.after ?? Number.MAX_SAFE_INTEGER) : Number(last);
  const stream = eventStream(
    context,
    params.account,
    by.account,
    after,
    request.signal,
    nowSeconds,
  );
  return ok(
    new Response(stream, {
      headers: { ...PRIVATE, 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' },
    }),
  );
};
