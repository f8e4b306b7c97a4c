import { requestDigest } from '../intent/request-digest.ts';
import type { Context } from './context.ts';
import type { Exchanged } from './exchange.ts';
import { lookOn } from './look.ts';
import { observedAs, readOutgoing, type Outgoing } from './outgoing.ts';
import type { Proof } from './proof.ts';

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
    const record = await lookOn(context, question, audience, proof.network, proof.call);
    const request = await requestDigest(observedAs(outgoing, audience, tool));
    if (record?.answer === undefined || record.request !== request) return refusal;
    const { status, headers, body } = record.answer;
    return {
      ...refusal,
      response: new Response(BODILESS.has(status) ? null : body, { status, headers }),
      problem: undefined,
      record,
    };
  } catch (cause) {
    if (outgoing.signal?.aborted === true) throw cause;
    return refusal;
  }
};
