import type { Hex } from '../core/hex.ts';
import { nowSeconds } from '../core/clock.ts';
import { problem, type ProblemContext } from '../protocol/problem/problem.ts';
import { random16 } from '../core/random.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/signed-intent.ts';
import { paymentField } from '../protocol/x402/payment-payload.ts';
import { answer, answerStored } from './answer.ts';
import { beginAssertion } from './assertion.ts';
import { discard } from './body.ts';
import { challenge } from './challenge.ts';
import { check, proofFor } from './check.ts';
import { INTENT } from './check-mark.ts';
import type { Checked } from './checked.ts';
import { claim } from './claim.ts';
import { descriptionUrl } from './description-path.ts';
import { dispatch } from './dispatch.ts';
import { answerDryRun, isDryRun } from './dry-run.ts';
import type { Errand, ObservedErrand } from './errand.ts';
import { finish } from './finish.ts';
import type { Gateway } from './gateway.ts';
import { readHead } from './head.ts';
import { observe } from './observe.ts';
import { offer } from './offer.ts';
import { tooOld } from './proof-age.ts';
import { isCrowdedOut, isRepeat, mayRepeat } from './repeats.ts';
import { reserve, type Reserved } from './reserve.ts';
import { settle } from './settle.ts';
import { TOO_MANY } from './shield.ts';

/** A call of a tool: an errand whose work the upstream does. */
export const call = async (gateway: Gateway, request: Request): Promise<Response> => {
  const sold = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  const seen = readHead(request, gateway.config, sold.routes);
  if (!seen.ok) return problem(seen.error);
  const { head, tool } = seen.value;
  return carryOut(gateway, {
    tool,
    head,
    request,
    begin: (observed, checked, attempt) => {
      const assertion = beginAssertion(gateway, tool, observed, checked, attempt);
      return async ({ call: { price } }) =>
        dispatch(gateway.config, tool, observed, {
          headers: request.headers,
          assertion: await assertion(),
          most: price,
        });
    },
  });
};

/**
 * The way of a request (design §3): head, claim, observe, check, reserve, settle, dispatch, finish, answer. Every step before `reserve`
 * leaves no trace; from there on the work is one promise that outlives its caller.
 */
export const carryOut = async (gateway: Gateway, errand: Errand): Promise<Response> => {
  const dryRun = isDryRun(errand.request.headers);
  if (!dryRun.ok) return refuseUnread(errand, dryRun.error);
  const claimed = claim(errand.request.headers);
  if (!claimed.ok) return refuseUnread(errand, claimed.error);
  const proof = proofFor(errand, claimed.value);
  if (proof === undefined) return askForProof(gateway, errand);
  const aged = tooOld(proof, nowSeconds());
  if (aged !== undefined) return refuseUnread(errand, aged);
  if (isCrowdedOut(gateway, proof, nowSeconds())) return refuseUnread(errand, TOO_MANY);

  const observed = await observe(errand.request, errand.tool, errand.head);
  if (!observed.ok) return refuse(errand, observed.error);
  const read: ObservedErrand = { ...errand, observed: observed.value };
  // By the clock after the body: one that comes slowly must not keep an authorization alive that ends meanwhile.
  const now = nowSeconds();
  const checked = check(gateway.config, read, proof, now);
  if (!checked.ok) return refuse(errand, checked.error);
  // Nothing is awaited for a call that is new: a fleet at work must not wait for what stops copies.
  if (isRepeat(gateway, checked.value)) {
    const mayGoOn = await mayRepeat(gateway, checked.value, errand.request.headers, now);
    if (!mayGoOn) return refuse(errand, TOO_MANY, { call: checked.value.call });
  }

  // Law 5: a caller that hangs up does not stop what has begun, so the same promise is kept alive and returned.
  const { call: id } = checked.value;
  const work = execute(gateway, read, checked.value, dryRun.value).catch((cause: unknown) => {
    console.error({ event: 'call_failed', call: id, cause: String(cause) });
    return refuse(errand, { reason: 'internal' }, { call: id });
  });
  gateway.waitUntil(work);
  return work;
};

const execute = async (
  gateway: Gateway,
  errand: ObservedErrand,
  checked: Checked,
  dryRun: boolean,
): Promise<Response> => {
  const { call: id } = checked;
  const attempt = random16();
  const run = errand.begin(errand.observed, checked, attempt);
  const reserved = await reserve(gateway, errand, checked, attempt, dryRun);
  if (!reserved.ok) return refuse(errand, reserved.error, { call: id });
  if (reserved.value.verdict.verdict === 'dry_run') {
    return answerDryRun(reserved.value, reserved.value.verdict);
  }
  const permitted =
    reserved.value.verdict.verdict === 'settle'
      ? await settle(gateway, reserved.value, reserved.value.verdict.sinceBlock)
      : reserved;
  if (!permitted.ok) return refuse(errand, permitted.error, { call: id });
  const known = { ...checked, call: callOf(permitted.value) };
  if (permitted.value.verdict.verdict === 'stored') {
    return answerStored(gateway, known, permitted.value, permitted.value.verdict);
  }
  const refusal = refusalOf(known, permitted.value);
  if (refusal !== undefined) return refuse(errand, refusal, { call: known.call });
  noteAccepted(gateway, checked, permitted.value);

  const dispatched = await run(permitted.value);
  const finished = await finish(gateway, permitted.value, dispatched);
  return answer(gateway, checked, permitted.value, dispatched, finished);
};

/** What a caller without a usable proof gets: the offer of a paid tool, the challenge of a free one. Neither needs the body (CWE-400). */
const askForProof = async ({ config }: Gateway, errand: Errand): Promise<Response> => {
  await discard(errand.request);
  return errand.tool.settlement === 'free' ? challenge(config, errand.head) : offer(config, errand);
};

const refuseUnread = async (errand: Errand, reason: Reason): Promise<Response> => {
  await discard(errand.request);
  return refuse(errand, reason);
};

/** The call that a verdict is about: another one than the proof's where a payment-identifier led there. */
const callOf = ({ call: { call }, verdict }: Reserved): Hex =>
  'call' in verdict && verdict.call !== undefined ? verdict.call : call;

const refuse = (
  { head }: Errand,
  reason: Reason,
  context: Pick<ProblemContext, 'call'> = {},
): Promise<Response> => problem(reason, { ...context, docs: descriptionUrl(head.audience) });

const noteAccepted = (gateway: Gateway, { network, price }: Checked, { verdict }: Reserved) => {
  if (verdict.verdict !== 'go' || verdict.paidFrom !== 'payment') return;
  gateway.emit({ event: 'payment_accepted', network, amount: price });
};

/** Why the tool is not run; undefined means "go". */
const refusalOf = (checked: Checked, { call: claimed, verdict }: Reserved): Reason | undefined => {
  switch (verdict.verdict) {
    case 'go':
      return undefined;
    case 'in_progress':
      return { reason: 'in_progress', retryAfter: verdict.retryAfter };
    case 'conflict':
      return { reason: 'conflict' };
    case 'already_used':
      return { reason: 'already_used', call: checked.call };
    // 503 and never 402 (law 5): the same signature is still good, because nothing was claimed.
    case 'settlement_unavailable':
      return { reason: 'settlement_unavailable', retryAfter: verdict.retryAfter };
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
        field: endField(checked),
        expected: `> ${nowSeconds()}`,
        // A bound payment ends for us with its intent, earlier than for the chain (§4.2).
        got: claimed.intent?.fields.validBefore ?? claimed.validBefore.toString(),
      };
    // Settling again, or an outcome that another attempt has stored meanwhile: the caller asks once more. A dry run was answered before.
    case 'settle':
    case 'stored':
    case 'dry_run':
      return { reason: 'in_progress', retryAfter: 1 };
    // During a deploy an object may be of the next release: a word that is not known here is not leave to run the tool (law 2).
    default:
      return { reason: 'storage_unavailable' };
  }
};

/** Where the clock stands that has run out: a bound payment ends for us with its intent (§4.2). */
const endField = ({ kind, version, intent }: Checked): string => {
  if (kind === 'intent') return `${AGENT_INTENT_HEADER}.intent.validBefore`;
  return intent === undefined
    ? paymentField(version, 'payload.authorization.validBefore')
    : paymentField(version, `${INTENT}.validBefore`);
};
