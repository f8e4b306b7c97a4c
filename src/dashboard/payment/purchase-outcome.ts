import type { CallRecord } from '../../client/call-record.ts';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type BoughtCredit, boughtCredit } from './bought-credit.ts';
import type { KeptPurchase } from './kept-purchase.ts';
import { type PaymentFault, unpaid } from './payment-fault.ts';

/** How a purchase ended. */
export type Outcome = Result<BoughtCredit, PaymentFault>;

/** States of a payment, of a call that was released, in which no money moves any more. */
const UNMOVED = ['none', 'failed', 'released'];

/** What a look-up says about the money; undefined while it does not say it for good. */
export const outcomeOf = (
  { state, payment, transaction }: CallRecord,
  kept: KeptPurchase,
): Outcome | undefined => {
  if (state === 'committed') return ok(boughtCredit(kept, transaction));
  if (state !== 'released') return undefined;
  if (payment === 'settled') return err(paidBack());
  return UNMOVED.includes(payment) ? err(notCollected()) : undefined;
};

export const expired = (): PaymentFault =>
  unpaid(
    'The signature expired before the gateway took the payment. Nothing was paid.',
    'Buy again, and confirm in the wallet within three minutes.',
  );

export const moved = (transaction: Hex | undefined): PaymentFault =>
  transaction === undefined
    ? unpaid(
        'The signature of the payment was used or cancelled on the chain, and the gateway no longer has its answer.',
        'Before you buy again, look for the payment in the wallet, and for the credit on the page of the account. If only the credit is missing, ask the operator.',
      )
    : unpaid(
        `The money moved in the transaction ${transaction}. The gateway no longer has its answer.`,
        'Before you buy again, look for the credit on the page of the account. If it is missing, send the operator this transaction.',
      );

const notCollected = (): PaymentFault =>
  unpaid(
    'The gateway did not get the payment. Nothing was paid.',
    'Check the balance of the wallet, then buy again.',
  );

const paidBack = (): PaymentFault =>
  unpaid(
    'The gateway was interrupted after the money had moved. The money is credit of the account that paid.',
    'The page of that account shows it.',
  );
