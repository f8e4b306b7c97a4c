import type { Hex } from '../core/hex.ts';
import { err } from '../core/result.ts';
import { max, min } from '../protocol/amount.ts';
import { creditKey } from './budget.ts';
import { creditIn } from './call-report.ts';
import type { AgentContext } from './context.ts';
import { CountersignError, isProblem, type ProblemBody, refusalIn } from './errors.ts';
import type { ExchangeResult } from './exchange.ts';
import { consent } from './hooks.ts';
import { choose, type OfferSettings } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { completeCall, completeOrWait, isFromAudience, present } from './present.ts';
import type { SignedResult } from './signed-result.ts';
import { signIntent, windowAt } from './proof.ts';
import type { ReceivedOffer } from './received-offer.ts';

/**
 * Calls with an `Agent-Intent` that lets the gateway debit the price from credit (docs/wire-format.md §9), if the known credit suffices or
 * only credit can pay.
 *
 * @returns undefined if credit covers no entry, or the gateway debits none: the call has spent nothing, and the agent may sign a payment.
 * If only credit can pay, the gateway's refusal is the answer.
 */
export const callFromCredit = async (
  context: AgentContext,
  outgoing: Outgoing,
  offer: ReceivedOffer,
  rules: OfferSettings,
): Promise<SignedResult | undefined> => {
  const { binding } = offer;
  if (binding === undefined) return undefined;
  const { budget, credit } = context;
  const chosen = choose(offer, rules, ({ amount }, asset) => {
    const key = creditKey(binding.audience, asset);
    return credit.free(key) >= amount || offer.creditOnly
      ? budget.takeCredit(key, amount)
      : err({ remaining: 0n });
  });
  if (!chosen.ok) return undefined;
  const { requirement, asset, token, hold } = chosen.value;
  const key = creditKey(binding.audience, asset);
  // Before the first await, so that parallel calls do not count on the same credit.
  const known = min(credit.free(key), requirement.amount);
  credit.set(key, credit.free(key) - known);

  const proof = await consent(context, outgoing, hold, {
    offered: { requirement, paysFrom: 'credit', binding: 'intent' },
    sign: () =>
      signIntent(context.signer, outgoing, requirement.network, {
        ...binding,
        payTo: requirement.payTo,
        asset: token.address,
        maxAmount: requirement.amount,
        ...windowAt(context.now()),
        authority: context.authority,
      }),
  }).catch((cause: unknown) => {
    credit.add(key, known);
    throw cause;
  });
  const result = await present(context, outgoing, proof).catch((cause: unknown) => {
    // The cause is unknown, so the next call requests a new offer and counts on no remembered credit.
    context.memory.forgetOffer(outgoing);
    credit.forget(key);
    throw cause;
  });
  if (debitsNothing(result.problem)) {
    // An earlier attempt may have run or may still arrive, even if a proxy answered 503. Paying now could pay twice (law 5).
    if (result.attempts > 1) throw lostBefore(result, proof.call);
    // The intent can only debit credit at its audience, so only the audience can state that it debited none.
    if (isFromAudience(outgoing, proof)) hold.giveBack();
    credit.forget(key);
    context.memory.forgetOffer(outgoing);
    if (offer.creditOnly && isProblem(result.problem, 'denied')) {
      return await completeCall(context, outgoing, proof, result);
    }
    await result.response.body?.cancel().catch(() => undefined);
    return undefined;
  }
  return await completeOrWait(context, outgoing, proof, result, {
    complete: async (answered) => {
      let isOpen = false;
      const presented = await completeCall(context, outgoing, proof, answered, (charged) => {
        hold.settle(charged);
        if (isOpen) credit.add(key, max(known - charged, 0n));
      });
      // An open answer may cost its maximum, whatever its beginning states.
      isOpen = !presented.isEnded;
      if (isOpen) return presented;
      const report = presented.response.countersign;
      // Only the holder of the credit can state what it debited.
      const charged = isFromAudience(outgoing, proof, report) ? report.charged : requirement.amount;
      hold.release(charged);
      // A stored answer carries no limits, so the credit that the call did not use counts as free again.
      if (creditIn(answered.response.headers) === undefined) {
        credit.add(key, max(known - charged, 0n));
      }
      return presented;
    },
    // A person refused the call, or its time ended: the gateway released what it held.
    neverRan: () => {
      if (isFromAudience(outgoing, proof)) hold.giveBack();
      credit.add(key, known);
    },
  });
};

const lostBefore = ({ response, attempts, problem }: ExchangeResult, call: Hex): CountersignError =>
  new CountersignError(
    'answer_lost',
    `The gateway did not answer at first and refused the repeat (attempt ${attempts}). ${refusalIn(problem) ?? ''}`,
    { response, call },
  );

/** The gateway denies for lack of credit, or states another price, payee or tool than the client remembered. Neither uses the call id. */
const debitsNothing = (problem: ProblemBody | undefined): boolean =>
  (isProblem(problem, 'denied') && problem?.['rule'] === 'credit') ||
  isProblem(problem, 'intent-mismatch');
