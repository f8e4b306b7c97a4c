import type { ProblemBody } from '../../client/errors.ts';
import type { Seconds } from '../../core/clock.ts';
import { momentOf } from '../format/time.ts';
import { detailOf, type PaymentFault } from './payment-fault.ts';

/** The fault of a purchase whose outcome is unknown, which blocks every other purchase. @param why the known facts, as sentences */
export const openPurchase = (
  why = 'The answer to the purchase did not arrive. The money may have moved.',
): PaymentFault => ({
  kind: 'purchase',
  text: why,
  hint: 'Ask again: the page sends the same signed payment, which moves money at most once.',
});

/** A block takes the payment until its end, and may be replaced for a minute. */
const SETTLED_AFTER: Seconds = 120;

/** An answer to a signed purchase that does not end it. @param end of the signed payment */
export const refusalOf = (
  {
    problem,
    response,
  }: { readonly problem?: ProblemBody | undefined; readonly response: Response },
  end: Seconds,
): PaymentFault =>
  problem === undefined ? openPurchase() : refusedPurchase(detailOf(problem, response.status), end);

/** A signed purchase that the gateway refused. @param end of the signed payment: the gateway may still present it */
export const refusedPurchase = (detail: string, end: Seconds): PaymentFault =>
  openPurchase(
    `The gateway did not take the purchase: “${detail}” The signed payment can still move the money. Ask again after ${momentOf(end + SETTLED_AFTER)}: then the page reads from the chain whether it did.`,
  );
