import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import { limitBody } from '../protocol/limit.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import { PRIVATE } from './answer.ts';
import { limitHeaders } from './limits.ts';
import type { Reserved } from './reserve.ts';

const HEADER = 'dry-run';

/**
 * Whether a call only asks what would happen: `Dry-Run: ?1`, a boolean of RFC 9651. Anything that is neither yes nor no is refused:
 * read as no, it would run and charge a call that was not meant.
 */
export const isDryRun = (headers: Headers): Result<boolean, Reason> => {
  const value = headers.get(HEADER);
  return value === null || value === '?0' || value === '?1'
    ? ok(value === '?1')
    : err({
        reason: 'malformed_request',
        field: HEADER,
        hint: 'must be ?1 or ?0, and sent at most once',
      });
};

/** What the call would have met. It has claimed, written and charged nothing, so the same proof is still good for it. */
export const answerDryRun = (
  { call }: Reserved,
  { decision, policy, paidFrom, limits }: Extract<ReserveVerdict, { readonly verdict: 'dry_run' }>,
): Response =>
  Response.json(
    {
      dry_run: true,
      verdict: decision,
      call: call.call,
      tool: call.tool,
      price: call.price.toString(),
      charged: '0',
      paid_from: paidFrom,
      policy,
      limits: limits.map(limitBody),
    },
    { headers: { ...PRIVATE, ...limitHeaders(limits) } },
  );
