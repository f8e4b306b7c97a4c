import { type Hex, ZERO_ADDRESS } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';
import { requestDigest } from '../protocol/intent/binding.ts';
import { type CallRecord, callRecordOf } from './call-record.ts';
import { networkFor, readChallenge } from './challenge.ts';
import { type AgentContext, requireAudience } from './context.ts';
import { CountersignError, isProblem, refusalIn } from './errors.ts';
import { exchange, type ExchangeResult } from './exchange.ts';
import { readJsonBody } from './json.ts';
import { observedAs, type Outgoing, readOutgoing } from './outgoing.ts';
import { type Proof, signQuestion, windowAt } from './proof.ts';
import { send } from './transport.ts';
import { RECEIPT_HEADER } from './receipt-claims.ts';

/** The gateway's own tool that answers look-ups. */
const CALLS_TOOL = 'countersign.calls';

/** A stored answer of 64 KiB in base64, and the record around it. */
const MAX_RECORD = 256 * 1024;
const CALL = /^0x[0-9a-f]{64}$/;

/**
 * Looks up a call of this account with `GET <gateway>/calls/<id>` and a fresh intent, free of charge.
 *
 * @throws CountersignError `unknown_call`, `look_failed`, and the errors of signing and sending
 */
export const look = async (
  context: AgentContext,
  gateway: string,
  call: string,
): Promise<CallRecord> => {
  const id = call.toLowerCase();
  if (!CALL.test(id) || !URL.canParse(gateway)) {
    throw new CountersignError('options_invalid', 'look takes an origin and a call id of 32 bytes');
  }
  const outgoing = await readOutgoing(new URL(`/calls/${id}`, gateway).href, {
    redirect: 'manual',
  });
  const challenge = await send(context, outgoing, {}, async (response) => {
    const read =
      response.status === 401 ? await readChallenge(response, context.timeoutMs) : undefined;
    if (read === undefined) throw failed(response, 'does not request an AgentIntent');
    requireAudience(context, outgoing.origin, read.audience, response);
    return read;
  });
  const known = context.memory.networkOf(id as Hex);
  const first = known ?? networkFor(challenge, context.rules.assets);
  // The address is a different account on each chain, and one of them made the call.
  const networks =
    known === undefined ? [first, ...challenge.networks.filter((on) => on !== first)] : [known];
  for (const network of networks) {
    const found = await lookOn(context, outgoing, challenge.audience, network, id as Hex);
    if (found !== undefined) return found.record;
  }
  throw new CountersignError('unknown_call', `The gateway has no call ${id} of this account.`, {
    call: id as Hex,
  });
};

/** A record, and the receipt of its call. */
export type Found = { readonly record: CallRecord; readonly receipt: string | undefined };

/** Looks up a call of the account on one network; undefined if that account has no such call. */
export const lookOn = async (
  context: AgentContext,
  outgoing: Outgoing,
  audience: string,
  network: Network,
  call: Hex,
): Promise<Found | undefined> => {
  const proof = await signQuestion(context.signer, outgoing, network, {
    audience,
    tool: CALLS_TOOL,
    payTo: ZERO_ADDRESS,
    asset: ZERO_ADDRESS,
    maxAmount: 0n,
    ...windowAt(context.now()),
  });
  const { response, problem } = await exchange(context, outgoing, proof);
  if (isProblem(problem, 'unknown-call')) return undefined;
  if (response.status !== 200) {
    throw failed(
      response,
      `answered ${response.status}: ${refusalIn(problem) ?? 'no reason given'}`,
    );
  }
  const record = callRecordOf(await readJsonBody(response, MAX_RECORD, context.timeoutMs), call);
  if (record === undefined) throw failed(response, 'returned no record of this call');
  return { record, receipt: response.headers.get(RECEIPT_HEADER) ?? undefined };
};

const failed = (response: Response, what: string): CountersignError =>
  new CountersignError('look_failed', `The gateway ${what.replace(/\.?$/, '.')}`, { response });

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const BODILESS = new Set([204, 205, 304]);

/**
 * Replaces the refusal of a repeat with the stored answer of its call, by one look-up; undefined if the gateway has no look-up, stores no
 * answer, or stores the answer of another request.
 */
export const storedAnswer = async (
  context: AgentContext,
  outgoing: Outgoing,
  proof: Proof,
  refusal: ExchangeResult,
): Promise<ExchangeResult | undefined> => {
  if (proof.gateway === undefined) return undefined;
  const { audience, tool } = proof.gateway;
  try {
    const question = await readOutgoing(new URL(`/calls/${proof.call}`, outgoing.origin).href, {
      redirect: 'manual',
      ...(outgoing.signal === undefined ? {} : { signal: outgoing.signal }),
    });
    const found = await lookOn(context, question, audience, proof.network, proof.call);
    const request = await requestDigest(observedAs(outgoing, audience, tool));
    if (found?.record.answer === undefined || found.record.request !== request) return undefined;
    const { status, body } = found.record.answer;
    const headers = new Headers(found.record.answer.headers);
    // Only the look-up's own receipt counts, never a header that the tool once sent.
    headers.delete(RECEIPT_HEADER);
    if (found.receipt !== undefined) headers.set(RECEIPT_HEADER, found.receipt);
    return {
      ...refusal,
      response: new Response(BODILESS.has(status) ? null : body, { status, headers }),
      body,
      problem: undefined,
      record: found.record,
    };
  } catch (cause) {
    if (outgoing.signal?.aborted === true) throw cause;
    return undefined;
  }
};
