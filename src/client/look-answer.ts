import { requestDigest } from '../protocol/intent/observed-request.ts';
import type { Context } from './context.ts';
import type { Exchanged } from './exchange.ts';
import { lookOn } from './look.ts';
import { observedAs, readOutgoing, type Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';
import { RECEIPT_HEADER } from './receipt.ts';

/** Statuses whose answers have no body (Fetch standard, "null body status"). */
const BODILESS = new Set([204, 205, 304]);

/**
 * The stored answer of a call whose repeat was told that its proof is used: one look-up. The refusal stays the answer where the
 * gateway offers no look-up, keeps none, or keeps one of another request.
 */
export const answerOfRecord = async (
  context: Context,
  outgoing: Outgoing,
  proof: Proof,
  refusal: Exchanged,
): Promise<Exchanged> => {
  if (proof.gateway === undefined) return refusal;
  const { audience, tool } = proof.gateway;
  try {
    const question = await readOutgoing(new URL(`/calls/${proof.call}`, outgoing.origin).href, {
      redirect: 'manual',
      ...(outgoing.signal === undefined ? {} : { signal: outgoing.signal }),
    });
    const looked = await lookOn(context, question, audience, proof.network, proof.call);
    const request = await requestDigest(observedAs(outgoing, audience, tool));
    if (looked?.record.answer === undefined || looked.record.request !== request) return refusal;
    const { status, body } = looked.record.answer;
    const headers = new Headers(looked.record.answer.headers);
    // Of the gateway that was asked, never of what a tool once answered.
    headers.delete(RECEIPT_HEADER);
    if (looked.receipt !== undefined) headers.set(RECEIPT_HEADER, looked.receipt);
    return {
      ...refusal,
      response: new Response(BODILESS.has(status) ? null : body, { status, headers }),
      body,
      problem: undefined,
      record: looked.record,
    };
  } catch (cause) {
    if (outgoing.signal?.aborted === true) throw cause;
    return refusal;
  }
};
