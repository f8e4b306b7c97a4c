import type { Tool } from '../catalog/tool.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem } from '../core/problem.ts';
import type { Reason } from '../core/reason.ts';
import type { Result } from '../core/result.ts';
import { ASSERTION_TYPE, assertionClaims } from '../crypto/statement.ts';
import { answer, answerStored } from './answer.ts';
import { type Checked, checkIntent, checkPayment } from './check.ts';
import { claim } from './claim.ts';
import { clientOf } from './client.ts';
import { dispatch, upstreamOrigin } from './dispatch.ts';
import { finish } from './finish.ts';
import type { Gateway } from './gateway.ts';
import { observe, type Observed } from './observe.ts';
import { challenge, offer } from './offer.ts';
import { reserve, type Reserved } from './reserve.ts';
import { settle } from './settle.ts';

/**
 * The way of a request (design §3): observe, claim, check, reserve, settle, dispatch, finish, answer. Every step before `reserve`
 * leaves no trace; from there on the work is one promise that outlives its caller.
 */
export const call = async (gateway: Gateway, request: Request): Promise<Response> => {
  const seen = await observe(request, gateway.config);
  if (!seen.ok) return problem(seen.error);
  const { observed, tool } = seen.value;

  const claimed = claim(request.headers);
  if (!claimed.ok) return problem(claimed.error);
  const checked = check(gateway, tool, observed, claimed.value);
  if (checked === undefined) {
    return tool.settlement === 'free'
      ? challenge(gateway.config)
      : offer(gateway.config, tool, request);
  }
  if (!checked.ok) return problem(checked.error);

  // Law 5: a caller that hangs up does not stop what has begun, so the same promise is kept alive and returned.
  const work = execute(gateway, tool, observed, checked.value, request.headers).catch(
    (cause: unknown) => {
      console.error({ event: 'call_failed', call: checked.value.call, cause: String(cause) });
      return problem({ reason: 'internal' }, { call: checked.value.call });
    },
  );
  gateway.waitUntil(work);
  return work;
};

/** Undefined: nothing was proved, so the caller is told how. */
const check = (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  claimed: Extract<ReturnType<typeof claim>, { readonly ok: true }>['value'],
): Result<Checked, Reason> | undefined => {
  switch (claimed.kind) {
    case 'none':
      return undefined;
    case 'payment':
      return tool.settlement === 'free'
        ? undefined
        : checkPayment(gateway.config, tool, observed, claimed.proof, nowSeconds());
    case 'intent':
      return tool.settlement === 'free'
        ? checkIntent(gateway.config, observed, claimed.signed, nowSeconds())
        : undefined;
  }
};

const execute = async (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  checked: Checked,
  headers: Headers,
): Promise<Response> => {
  const reserved = await reserve(gateway, tool, observed, checked, clientOf(headers));
  if (!reserved.ok) return problem(reserved.error, { call: checked.call });
  const permitted =
    reserved.value.verdict.verdict === 'settle'
      ? await settle(gateway, reserved.value, reserved.value.verdict.sinceBlock)
      : reserved;
  if (!permitted.ok) return problem(permitted.error, { call: checked.call });
  if (permitted.value.verdict.verdict === 'stored') {
    return answerStored(gateway, checked, permitted.value, permitted.value.verdict);
  }
  const refusal = refusalOf(permitted.value);
  if (refusal !== undefined) return problem(refusal, { call: checked.call });

  const assertion = await assert(gateway, tool, observed, permitted.value);
  const dispatched = await dispatch(gateway.config, tool, observed, headers, assertion);
  const finished = await finish(gateway, permitted.value, dispatched);
  return answer(gateway, checked, permitted.value, dispatched, finished);
};

/** Why the tool is not run; undefined means "go". */
const refusalOf = ({ call: claimed, verdict }: Reserved): Reason | undefined => {
  switch (verdict.verdict) {
    case 'go':
      return undefined;
    case 'in_progress':
      return { reason: 'in_progress', retryAfter: verdict.retryAfter };
    case 'conflict':
      return { reason: 'conflict' };
    case 'already_used':
      return { reason: 'already_used' };
    case 'denied':
      return {
        reason: 'denied',
        denial: verdict.denial,
        tool: claimed.tool,
        price: claimed.price,
      };
    case 'expired':
      return {
        reason: 'expired',
        field: 'validBefore',
        expected: `> ${nowSeconds()}`,
        // A bound payment ends for us with its intent, earlier than for the chain (§4.2).
        got: claimed.intent?.fields.validBefore ?? claimed.validBefore.toString(),
      };
    // Settling again, or an outcome that another attempt has stored meanwhile: the caller asks once more.
    case 'settle':
    case 'stored':
      return { reason: 'in_progress', retryAfter: 1 };
  }
};

/** What the upstream can check: that this very call came through the gateway (design §4.8). */
const assert = (
  gateway: Gateway,
  tool: Tool,
  observed: Observed,
  { call: claimed, attempt }: Reserved,
): Promise<string> =>
  gateway.signer.sign(
    assertionClaims(
      {
        iss: gateway.config.audiences[0],
        aud: upstreamOrigin(gateway.config, tool),
        account: claimed.account,
        call: claimed.call,
        tool: claimed.tool,
        digest: observed.payloadDigest,
        binding: claimed.binding,
        jti: attempt,
      },
      nowSeconds(),
    ),
    ASSERTION_TYPE,
  );
