import type { Tool } from '../catalog/tool.ts';
import { isRemote, placeholderFault, serviceOf } from '../catalog/upstream.ts';
import { nowSeconds } from '../core/clock.ts';
import { type Hex, random16 } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { policyWording } from '../policy/policy.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { AGENT_INTENT_HEADER } from '../protocol/intent/agent-intent.ts';
import { problem, type ProblemContext } from '../protocol/problem/problem.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { paymentField } from '../protocol/x402/headers.ts';
import { signedField } from '../protocol/x402/signed-scheme.ts';
import { answer, answerDryRun, answerStored } from './answer.ts';
import { check } from './check.ts';
import { dispatch, type FetcherOf } from './dispatch.ts';
import { finish, outcomeOf } from './finish.ts';
import type { Gateway } from './gateway.ts';
import { isDryRun, observeBody, observeHead, receiptRequestFault } from './observe.ts';
import type {
  CheckedProof,
  Decision,
  PaidRequest,
  PaidRequestWithBody,
  ReceivedRequest,
  ReservedCall,
} from './paid-request.ts';
import { INTENT, type NoProof, type Proof, readProof, readUpto } from './proof.ts';
import { clientOf, TOO_MANY } from './rate-limit.ts';
import { admitsReplay, ageFault, isReplay, isThrottledReplay } from './replay.ts';
import { descriptionUrl, requestProof, usableProof } from './request-proof.ts';
import { reserve } from './reserve.ts';
import { settle } from './settle.ts';
import { inStep } from './step.ts';
import { signAssertion } from './upstream-headers.ts';

/** Serves a request to a tool of the catalogue. */
export const call = async (gateway: Gateway, request: Request): Promise<Response> => {
  const { routes } = await gateway.catalogue.current(nowSeconds(), gateway.waitUntil);
  const observed = inStep(gateway.trace, 'observe', () =>
    observeHead(request, gateway.config, routes),
  );
  if (!observed.ok) return problem(observed.error);
  const { head, tool } = observed.value;
  if (isRemote(tool)) {
    const { changedReason, inputOfBody, runRemoteTool } = await import('./remote-tool.ts');
    const changed = changedReason(gateway, tool, nowSeconds());
    if (changed !== undefined) return problem(changed);
    const caller = { headers: request.headers, inputOf: inputOfBody };
    const { fetcherOf, refusal } = await serviceFor(gateway, tool);
    const run = runRemoteTool(gateway, tool, caller, fetcherOf);
    const refused = refusal === undefined ? {} : { refusal };
    return servePaidRequest(gateway, { tool, head, request, ...refused, run });
  }
  const fault = placeholderFault(tool, head.target);
  const service = await serviceFor(gateway, tool);
  const refusal = fault === undefined ? service.refusal : malformed(fault);
  return servePaidRequest(gateway, {
    tool,
    head,
    request,
    ...(refusal === undefined ? {} : { refusal }),
    run: (received, checked, { call: reserved, attempt }, metering) =>
      dispatch(gateway.config, tool, received, {
        headers: request.headers,
        assertion: signAssertion(gateway, tool, received, checked, attempt),
        traceparent: gateway.trace?.traceparent(),
        maxCharge: reserved.price,
        metering,
        service: service.fetcherOf?.(reserved),
      }),
  });
};

/** The fetcher of a tool in place of `fetch`, for a call that its account has reserved; or why the tool cannot run. */
type Service = {
  readonly fetcherOf?: FetcherOf;
  readonly refusal?: Reason;
};

/**
 * Returns what calls a tool instead of `fetch`: the Worker of a service binding, the fetcher that carries the tool's secrets, or the one that
 * charges a card. A refusal if a secret is not there, before any money is reserved.
 */
export const serviceFor = async (gateway: Gateway, tool: Tool): Promise<Service> => {
  const name = serviceOf(tool);
  if (name !== undefined) return { fetcherOf: () => gateway.service(name) };
  if (tool.card !== undefined) {
    const opened = await gateway.openCard(tool);
    return opened.ok ? { fetcherOf: opened.value } : { refusal: opened.error };
  }
  if (tool.secrets.length === 0) return {};
  const opened = await gateway.openEgress(tool);
  return opened.ok ? { fetcherOf: () => opened.value } : { refusal: opened.error };
};

const malformed = ({ field, reason }: FieldFault): Reason => ({
  reason: 'malformed_request',
  field,
  hint: reason,
});

/**
 * Takes the steps of a paid request: proof, observe (the body), check, reserve, settle, dispatch, finish, answer. Steps before `reserve`
 * write nothing. From `reserve` on the work is one promise that continues if the client disconnects.
 */
export const servePaidRequest = async (
  gateway: Gateway,
  paidRequest: PaidRequest,
): Promise<Response> => {
  const dryRun = isDryRun(paidRequest.request.headers);
  if (!dryRun.ok) return refuse(paidRequest, dryRun.error);
  const { headers } = paidRequest.request;
  const fault = receiptRequestFault(headers);
  if (fault !== undefined) return refuse(paidRequest, fault);
  const claimed = inStep(gateway.trace, 'proof', () => readClaim(headers), headers);
  const read = claimed instanceof Promise ? await claimed : claimed;
  if (!read.ok) return refuse(paidRequest, read.error);
  const proof = usableProof(paidRequest, read.value);
  if (proof === undefined) return requestProof(gateway.config, paidRequest);
  if (paidRequest.refusal !== undefined) return refuse(paidRequest, paidRequest.refusal);
  const aged = ageFault(proof, nowSeconds());
  if (aged !== undefined) return refuse(paidRequest, aged);
  if (isThrottledReplay(gateway, proof, nowSeconds())) return refuse(paidRequest, TOO_MANY);

  const observed = await inStep(gateway.trace, 'observe', async () =>
    observeBody(paidRequest.request, paidRequest.tool, paidRequest.head),
  );
  if (!observed.ok) return refuse(paidRequest, observed.error);
  const metered = await meteringOf(paidRequest, observed.value);
  if (!metered.ok) return refuse(paidRequest, metered.error);
  const received: PaidRequestWithBody = { ...paidRequest, ...metered.value };
  // Reads the clock after the body: a slow body must not keep an authorization alive that expires meanwhile.
  const now = nowSeconds();
  const checked = inStep(gateway.trace, 'check', () => check(gateway.config, received, proof, now));
  if (!checked.ok) return refuse(paidRequest, checked.error);
  // Only a replay waits for the rate limiter; a new call awaits nothing here.
  if (isReplay(gateway, checked.value)) {
    const admitted = await admitsReplay(gateway, checked.value, paidRequest.request.headers, now);
    if (!admitted) return refuse(paidRequest, TOO_MANY, { call: checked.value.call });
  }

  // A disconnected client does not stop a call that has begun (law 5): the same promise is kept alive and returned.
  const { call: id } = checked.value;
  const work = execute(gateway, received, checked.value, dryRun.value).catch((cause: unknown) => {
    const { trace } = gateway;
    console.error({ event: 'call_failed', call: id, trace: trace?.id, cause: String(cause) });
    return refuse(paidRequest, { reason: 'internal' }, { call: id });
  });
  gateway.waitUntil(work);
  return work;
};

/** Reads the proof in the headers. Code of a scheme other than `exact` loads with its first payment. */
const readClaim = (
  headers: Headers,
): Result<Proof | NoProof, Reason> | Promise<Result<Proof | NoProof, Reason>> => {
  const parsed = readProof(headers);
  if (!parsed.ok) return parsed;
  const { value: claimed } = parsed;
  return claimed.kind === 'unread' ? readUpto(headers, claimed) : ok(claimed);
};

/** Finds the rates of a metered call, and has its upstream report usage. Its code loads with the first metered call. */
const meteringOf = async (
  paidRequest: PaidRequest,
  received: ReceivedRequest,
): Promise<Result<Omit<PaidRequestWithBody, keyof PaidRequest>, Reason>> => {
  if (paidRequest.tool.meter === undefined) return ok({ received });
  const { openMetering } = await import('./meter/open-metering.ts');
  const opened = openMetering(paidRequest.tool.meter, paidRequest, received);
  return opened.ok ? opened : err(malformed({ ...opened.error, reason: opened.error.hint }));
};

const execute = async (
  gateway: Gateway,
  paidRequest: PaidRequestWithBody,
  checked: CheckedProof,
  dryRun: boolean,
): Promise<Response> => {
  const { call: id } = checked;
  const attempt = random16();
  const { trace } = gateway;
  const reserved = await inStep(trace, 'reserve', async () =>
    reserve(gateway, paidRequest, checked, attempt, dryRun),
  );
  if (!reserved.ok) return refuse(paidRequest, reserved.error, { call: id });
  const { decision: first } = reserved.value;
  if (first.verdict === 'dry_run') return answerDryRun(reserved.value, first);
  const settled =
    first.verdict === 'settle'
      ? await inStep(trace, 'settle', async () => settle(gateway, reserved.value, first.sinceBlock))
      : reserved;
  if (!settled.ok) return refuse(paidRequest, settled.error, { call: id });

  const decided = settled.value;
  const { decision } = decided;
  const known = { ...checked, call: callIdOf(decided) };
  if (decision.verdict === 'stored') return answerStored(gateway, known, decided, decision);
  const refusal = refusalOf(known, decided);
  if (refusal !== undefined) {
    const reason = await withApprovalNonce(gateway, paidRequest, checked, refusal);
    return refuse(paidRequest, reason, { call: known.call });
  }
  noteAccepted(gateway, checked, decision);

  const { received, sent = received, metering } = paidRequest;
  const dispatched = await inStep(trace, 'dispatch', async () =>
    paidRequest.run(sent, checked, decided, metering),
  );
  if (dispatched.kind === 'streaming') {
    // Loads with the first stream of the isolate.
    const { stream } = await import('./stream.ts');
    return stream(gateway, paidRequest, checked, decided, dispatched);
  }
  if (dispatched.kind === 'failed' && dispatched.reason === 'usage') {
    const { raiseUsageFault } = await import('./meter/usage-alert.ts');
    raiseUsageFault(gateway, paidRequest.tool.id, dispatched.fault, nowSeconds());
  }
  const outcome = outcomeOf(dispatched, decided.call.settlement);
  const finished = await inStep(trace, 'finish', async () => finish(gateway, decided, outcome));
  return answer(gateway, checked, decided, dispatched, finished);
};

/** Adds to a denial by the rule `allowance` the nonce with which the payer can approve Permit2. Its code loads with the first one. */
const withApprovalNonce = async (
  gateway: Gateway,
  { request }: PaidRequest,
  checked: CheckedProof,
  refusal: Reason,
): Promise<Reason> => {
  if (refusal.reason !== 'denied' || refusal.denial.rule !== 'allowance') return refusal;
  const { readApprovalNonce } = await import('./approval-nonce.ts');
  const approvalNonce = await readApprovalNonce(gateway, checked, clientOf(request.headers));
  return approvalNonce === undefined ? refusal : { ...refusal, approvalNonce };
};

/** Returns the call id of a decision: not the proof's if a `payment-identifier` led to an earlier call. */
const callIdOf = ({ call: { id: call }, decision }: ReservedCall): Hex =>
  'call' in decision && decision.call !== undefined ? decision.call : call;

const refuse = (
  { head }: PaidRequest,
  reason: Reason,
  context: Pick<ProblemContext, 'call'> = {},
): Promise<Response> => problem(reason, { ...context, docs: descriptionUrl(head.audience) });

const noteAccepted = (gateway: Gateway, { network, price }: CheckedProof, decision: Decision) => {
  if (decision.verdict !== 'go') return;
  gateway.catalogue.publish(nowSeconds(), gateway.waitUntil);
  if (decision.paidFrom !== 'payment') return;
  gateway.emit({ event: 'payment_accepted', network, amount: price });
};

/** Returns why the tool must not run; undefined means "go". */
const refusalOf = (
  checked: CheckedProof,
  { call: reserved, decision }: ReservedCall,
): Reason | undefined => {
  switch (decision.verdict) {
    case 'go':
      return undefined;
    case 'in_progress':
      return { reason: 'in_progress', retryAfter: decision.retryAfter };
    case 'conflict':
      return { reason: 'conflict' };
    case 'parked': {
      const { tool, price } = reserved;
      const approval = `${checked.audience}/calls/${checked.call}`;
      return { reason: 'approval_required', approval, parked: decision, tool, price };
    }
    case 'already_used':
      return { reason: 'already_used', call: checked.call };
    // 503 and never 402 (law 5): nothing was reserved, so the same signature is still usable.
    case 'settlement_unavailable':
      return { reason: 'settlement_unavailable', retryAfter: decision.retryAfter };
    case 'busy':
      return { reason: 'busy' };
    case 'denied': {
      const { denial } = decision;
      const wording = policyWording(denial);
      return {
        ...{ reason: 'denied', denial, tool: reserved.tool, price: reserved.price },
        settlement: reserved.settlement,
        ...(wording === undefined ? {} : { wording }),
      };
    }
    case 'expired':
      return (
        checked.former ?? {
          reason: 'expired',
          field: expiryField(checked),
          expected: `> ${nowSeconds()}`,
          // The gateway accepts a bound payment until its intent expires, which is before the authorization does.
          got: reserved.intent?.fields.validBefore ?? reserved.validBefore.toString(),
        }
      );
    // A second "settle", or an outcome that another attempt stored meanwhile: the caller repeats its request. Dry runs do not get here.
    case 'settle':
    case 'stored':
    case 'dry_run':
      return { reason: 'in_progress', retryAfter: 1 };
    // During a deploy an object may run a newer release. An unknown verdict does not permit running the tool (law 2).
    default:
      return { reason: 'storage_unavailable' };
  }
};

/** Returns the path of the expired field. A bound payment expires with its intent. */
const expiryField = ({ kind, version, intent, payment }: CheckedProof): string => {
  if (kind === 'intent') return `${AGENT_INTENT_HEADER}.intent.validBefore`;
  return intent === undefined
    ? paymentField(version, signedField({ permit: payment?.permit }, 'validBefore'))
    : paymentField(version, `${INTENT}.validBefore`);
};
