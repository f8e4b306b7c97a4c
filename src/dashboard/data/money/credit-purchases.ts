import { type Signal, signal } from '@preact/signals';
import type { AccountId } from '../../../protocol/account-id.ts';
import type { BoughtCredit } from '../../payment/bought-credit.ts';
import type { Stage } from '../../payment/chosen-wallet.ts';
import { type KeptPurchase, purchaseKey, purchasesIn } from '../../payment/kept-purchase.ts';
import type { PaymentFault } from '../../payment/payment-fault.ts';
import type { Outcome } from '../../payment/purchase-outcome.ts';
import { browserPlace } from '../../session/browser-tabs.ts';
import { accountMemory } from '../reading/session-memory.ts';

/** The state of the purchase of credit for an account. `lost`: its outcome is unknown, and it can only be sent again. */
export type Purchasing =
  | { readonly is: 'reading' }
  | { readonly is: 'open'; readonly fault?: PaymentFault }
  | {
      readonly is: 'asking';
      readonly stage: Stage;
      readonly amount: bigint;
      /** The purchase that is being repeated. */
      readonly kept: KeptPurchase | undefined;
    }
  | { readonly is: 'lost'; readonly kept: KeptPurchase; readonly fault?: PaymentFault }
  | { readonly is: 'bought'; readonly bought: BoughtCredit };

/** Keyed by account. They outlive the dialog, because a person may close it while the wallet still asks. */
const purchases = accountMemory(() => new Map<string, Signal<Purchasing>>());

const resting = async (account: AccountId, fault?: PaymentFault): Promise<Purchasing> => {
  const slot = await purchasesIn(browserPlace).look(purchaseKey(account));
  const why = fault === undefined ? {} : { fault };
  // Buying again reports what is wrong with a purchase that cannot be read.
  return slot.is === 'undecided'
    ? { is: 'lost', kept: slot.request, ...why }
    : { is: 'open', ...why };
};

/** The purchase for an account, for a dialog that opens now. */
export const purchaseFor = (account: AccountId): Signal<Purchasing> => {
  const all = purchases();
  const known = all.get(account) ?? signal<Purchasing>({ is: 'reading' });
  all.set(account, known);
  if (known.value.is === 'asking') return known;
  known.value = { is: 'reading' };
  void resting(account).then((found) => {
    if (known.value.is === 'reading') known.value = found;
  });
  return known;
};

/** Takes one step of a purchase. Does not begin a second one while a step is running. */
export const advance = async (
  purchase: Signal<Purchasing>,
  account: AccountId,
  amount: bigint,
  step: (onStage: (stage: Stage) => void) => Promise<Outcome>,
): Promise<void> => {
  // Read and set before the first `await`, so that a second click at the same moment cannot sign a second payment.
  if (purchase.value.is === 'asking') return;
  const kept = purchase.value.is === 'lost' ? purchase.value.kept : undefined;
  const onStage = (stage: Stage): void => {
    purchase.value = { is: 'asking', stage, amount, kept };
  };
  onStage('account');
  try {
    const result = await step(onStage);
    purchase.value = result.ok
      ? { is: 'bought', bought: result.value }
      : await resting(account, result.error);
  } catch (thrown) {
    purchase.value = await resting(account);
    throw thrown;
  }
};
