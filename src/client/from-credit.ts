import type { Hex } from '../core/hex.ts';
import { max, min } from '../protocol/amount.ts';
import { err } from '../core/result.ts';
import type { Context } from './context.ts';
import { placeOf } from './credit.ts';
import { consent } from './consent.ts';
import { CountersignError } from './errors.ts';
import type { Exchanged } from './exchange.ts';
import { signIntent, windowAt } from './intent-proof.ts';
import { creditIn } from './limits.ts';
import { choose, type Rules } from './offer-choice.ts';
import type { Outgoing } from './outgoing.ts';
import { conclude, isHoldersWord, present, type Presented } from './present.ts';
import { isProblem, type ProblemBody } from './problem.ts';
import type { ReceivedOffer } from './received-offer.ts';

/**
 * Calls from credit, where enough of it is known or nothing else pays: an `Agent-Intent` that lets the gateway debit the price (design
 * §4.4). Undefined where credit does not cover any entry, or where the gateway says that this intent claims nothing; then nothing is
 * spent, and a payment may be signed. Where only credit pays, that refusal is the answer.
 */
export const callFromCredit = async (
  context: Context,
  outgoing: Outgoing,
  offer: ReceivedOffer,
  rules: Rules,
): Promise<Presented | undefined> => {
  const { binding } = offer;
  if (binding === undefined) return undefined;
  const { budget, credit } = context;
  const chosen = choose(offer, rules, ({ amount }, asset) => {
    const place = placeOf(binding.audience, asset);
    return credit.free(place) >= amount || offer.creditOnly
      ? budget.takeCredit(place, amount)
      : err({ left: 0n });
  });
  if (!chosen.ok) return undefined;
  const { requirement, asset, token, hold } = chosen.value;
  const place = placeOf(binding.audience, asset);
  // Before anything is awaited, so that parallel calls do not count on the same credit.
  const known = min(credit.free(place), requirement.amount);
  credit.learn(place, credit.free(place) - known);

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
    credit.add(place, known);
    throw cause;
  });
  const exchanged = await present(context, outgoing, proof).catch((cause: unknown) => {
    // Whatever was wrong with it, the next call asks for a fresh offer, and counts on no credit that was not taken.
    context.memory.forgetOffer(outgoing);
    credit.forget(place);
    throw cause;
  });
  if (claimsNothing(exchanged.problem)) {
    // An earlier attempt may have run, or may still be on its way, also where something in between said 503: a payment now could
    // pay for the same call twice (law 5).
    if (exchanged.attempts > 1) throw lostBefore(exchanged, proof.call);
    // An intent moves nothing but credit of its audience. Only the audience can say that it took none.
    if (isHoldersWord(outgoing, proof)) hold.giveBack();
    credit.forget(place);
    context.memory.forgetOffer(outgoing);
    if (offer.creditOnly && isProblem(exchanged.problem, 'denied')) {
      return await conclude(context, outgoing, proof, exchanged);
    }
    await exchanged.response.body?.cancel().catch(() => undefined);
    return undefined;
  }
  const presented = await conclude(context, outgoing, proof, exchanged);
  const report = presented.response.countersign;
  // Only whoever holds the credit can say what it took of it.
  const charged = isHoldersWord(outgoing, proof, report) ? report.charged : requirement.amount;
  hold.release(charged);
  // An answer given again tells of no limits: what the call did not take is still there.
  if (creditIn(exchanged.response.headers) === undefined) {
    credit.add(place, max(known - charged, 0n));
  }
  return presented;
};

const lostBefore = ({ response, attempts }: Exchanged, call: Hex): CountersignError =>
  new CountersignError(
    'answer_lost',
    `No answer came at first; the repeat (attempt ${attempts}) was refused.`,
    { response, call },
  );

/** A denial for want of credit, or another price, payee or tool than what was remembered. Neither claims the call (design §3). */
const claimsNothing = (problem: ProblemBody | undefined): boolean =>
  (isProblem(problem, 'denied') && problem?.['rule'] === 'credit') ||
  isProblem(problem, 'intent-mismatch');
