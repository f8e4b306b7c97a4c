import { err } from '../../core/result.ts';
import type { Outcome } from './purchase-outcome.ts';
import { unpaid } from './payment-fault.ts';

const LOCK = 'countersign-credit';

/** Takes a step of a purchase of credit unless this browser takes one already: two tabs must not ask for two signatures at once. */
export const onePurchase = async (step: () => Promise<Outcome>): Promise<Outcome> =>
  await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) =>
    lock === null ? err(elsewhere()) : await step(),
  );

const elsewhere = () =>
  unpaid(
    'Another purchase is under way in this browser.',
    'Finish it, or close its tab, then try again.',
  );
