import { unreachable } from '../core/result.ts';
import type { ChainView } from './chain/observe-payments.ts';
import type { Look } from './chain/expected-transfer.ts';
import type { FinalOutcome } from '../protocol/payment.ts';

/**
 * Why a payment is looked at. `settle`: its answer was delivered, so it is owed. `look`: it was released, nothing is
 * owed. `upfront`: its tool waits for it.
 */
export type Purpose = 'settle' | 'look' | 'upfront';

/**
 * What a view of the chain means for a payment (design §6), or undefined while it is open: unconfirmed, unknown, or unused
 * and not yet past validBefore in a final block. No word of a facilitator comes in here.
 */
export const outcomeOf = (
  purpose: Purpose,
  look: Look,
  view: ChainView,
): FinalOutcome | undefined => {
  switch (view.view) {
    case 'settled':
      return { outcome: 'settled', transaction: view.transaction, block: view.block };
    case 'spent_otherwise':
    case 'cancelled':
      // Nothing was delivered for a released payment, and this nonce can never move money to us: no debt.
      return purpose === 'look' ? { outcome: 'released' } : spentBy(view);
    case 'unused':
      return BigInt(view.headTime) > look.validBefore ? expired(purpose, look, view) : undefined;
    case 'unconfirmed':
    case 'unknown':
      return undefined;
    default:
      return unreachable(view);
  }
};

/** How long after validBefore the payer's balance still tells whose fault it was, seconds. */
const BALANCE_SPEAKS = 600n;

type Spent = Extract<ChainView, { readonly view: 'spent_otherwise' | 'cancelled' }>;

const spentBy = ({ view, transaction }: Spent): FinalOutcome => ({
  outcome: 'failed',
  fault: 'payer',
  reason: view,
  ...(transaction === undefined ? {} : { transaction }),
});

/** Unused for ever. Delivered and the funds were there: we did not present it in time, which is our loss, not a debt. */
const expired = (
  purpose: Purpose,
  look: Look,
  { balance, headTime }: Extract<ChainView, { readonly view: 'unused' }>,
): FinalOutcome => {
  if (purpose !== 'settle') return { outcome: 'released' };
  // Seen hours later, after an outage of ours, an empty wallet says nothing of the deadline: no debt without proof.
  const isNear = BigInt(headTime) <= look.validBefore + BALANCE_SPEAKS;
  return isNear && balance < look.value
    ? { outcome: 'failed', fault: 'payer', reason: 'unfunded' }
    : { outcome: 'failed', fault: 'gateway', reason: 'not_presented' };
};
