import { err, ok, type Result } from '../core/result.ts';
import type { ReserveVerdict } from '../protocol/account/reserve.ts';
import { limitBody } from '../protocol/limit.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { limitHeaders, PRIVATE } from './answer-headers.ts';
import type { ReservedCall } from './paid-request.ts';

const HEADER = 'dry-run';

/**
 * Reads `Dry-Run: ?1`, a boolean of RFC 9651. Rejects every other value: if it counted as false, a call that was meant as a dry run would
 * run and be charged.
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

/** The answer to a dry run: the decision that the call would get now. Nothing was reserved, written or charged; the proof stays usable. */
export const answerDryRun = (
  { call }: ReservedCall,
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
