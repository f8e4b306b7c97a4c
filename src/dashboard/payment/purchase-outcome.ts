import type { CallRecord } from '../../client/call-record.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { type BoughtCredit, boughtCredit } from './bought-credit.ts';
import type { KeptPurchase } from './kept-purchase.ts';
import { ended, type PaymentFault, unpaid } from './payment-fault.ts';
import type { Finding } from './payment-on-chain.ts';

/** The outcome of a purchase. */
export type Outcome = Result<BoughtCredit, PaymentFault>;

/**
 * The outcome of a purchase by a look-up. A payment that the gateway reports as failed or released may still move: its signature has left
 * the page, and only the chain can show that it never will.
 */
export const outcomeOf = (
  { state, payment, transaction }: CallRecord,
  kept: KeptPurchase,
): Outcome | undefined => {
  if (state === 'committed') return ok(boughtCredit(kept, transaction));
  return state === 'released' && payment === 'settled' ? err(paidBack()) : undefined;
};

/** The outcome of a payment that, by the chain, moved nothing and never will; undefined otherwise. */
export const unmoved = (found: Finding): PaymentFault | undefined => {
  if (found.is === 'unused') {
    return unpaid(
      'The signed payment expired before its money moved. Nothing was paid.',
      'Buy again, and confirm in the wallet within three minutes.',
    );
  }
  return found.is === 'cancelled'
    ? unpaid(
        `The payer cancelled the payment in the transaction ${found.transaction}. Nothing was paid.`,
        'Buy again if you still want the credit.',
      )
    : undefined;
};

/** The outcome, by the chain, of a payment that may have moved its money without an answer of the gateway; undefined otherwise. */
export const moved = (found: Finding): PaymentFault | undefined => {
  if (found.is === 'moved') {
    return ended(
      `The money moved in the transaction ${found.transaction}. The page has no answer of the gateway.`,
      'Before you buy again, look for the credit on the page of the account. If it is missing, send the operator this transaction.',
    );
  }
  return found.is === 'used'
    ? ended(
        'The signature of the payment was used or cancelled on the chain, and the page has no answer of the gateway.',
        'Before you buy again, look for the payment in the wallet, and for the credit on the page of the account. If only the credit is missing, ask the operator.',
      )
    : undefined;
};

/** Long after the end of the payment, neither the gateway nor a wallet knows its outcome. */
export const unknown = ({ payer }: KeptPurchase): PaymentFault =>
  ended(
    `By the clock of this device, the signed payment ended over an hour ago. Neither the gateway nor a wallet says whether its money moved, and this page does not ask any more.`,
    `Before you buy again, look for a payment from ${payer} in the wallet or on an explorer, and for the credit on the page of the account.`,
  );

const paidBack = (): PaymentFault =>
  ended(
    'The gateway was interrupted after the money had moved. The money is credit of the account that paid.',
    'The page of that account shows it.',
  );
