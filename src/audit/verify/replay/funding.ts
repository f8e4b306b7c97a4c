import type { Source } from '../../../policy/evaluate.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';
import { min } from '../../../protocol/amount.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { purseOf, type ReplayedAccount } from './account.ts';
import type { ReplayedCall } from './call.ts';

/**
 * The account's own cap on unpaid service (law 7). Undefined if an operator's policy sets none: then the cap of the default policy counts,
 * which entries do not name.
 */
export const exposureCap = (own: readonly Source[]): bigint | undefined => {
  const [base, ...others] = own;
  const first = base?.policy.exposure;
  return first === undefined
    ? undefined
    : others.reduce((least, { policy }) => min(least, policy.exposure ?? least), first);
};

/**
 * Why the stated source of money could not have paid for an accepted call; undefined if the entries show no reason (docs/audit-format.md,
 * check `limits`).
 */
export const fundingFault = (
  account: ReplayedAccount,
  call: ReplayedCall,
  entry: Entry,
  own: readonly Source[],
): 'debt' | 'unfunded' | 'exposure' | undefined => {
  if (isFiat(call.asset)) return call.paidBy === 'card' ? undefined : 'unfunded';
  const purse = purseOf(account, call.asset);
  if (purse.credit < 0n && call.creditTo !== account.account) return 'debt';
  switch (call.paidBy) {
    case 'credit':
      return purse.credit - purse.creditHeld < call.price ? 'unfunded' : undefined;
    case 'deferred': {
      const exposed = purse.deferredHeld + purse.unsettled + call.price;
      const cap = exposureCap(own);
      const isSuspended = Object.values(account.purses).some(({ bounced }) => bounced > 0n);
      const isContract = entry.evidence?.['contractCheckedAt'] !== undefined;
      return exposed > purse.settled ||
        (cap !== undefined && exposed > cap) ||
        isSuspended ||
        isContract
        ? 'exposure'
        : undefined;
    }
    case 'free':
      return call.price === 0n ? undefined : 'unfunded';
    case 'card':
      return 'unfunded';
    case 'upfront':
    case 'lent':
      return undefined;
  }
};
