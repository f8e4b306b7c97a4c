import { max, min } from '../protocol/amount.ts';
import { err, ok, type Result } from '../core/result.ts';

/** Of `spend.total`, atomic units. */
export type Spending = {
  /** What signatures that left could move at most, whatever any answer said of them. */
  readonly signed: bigint;
  /** What the servers say they took. */
  readonly charged: bigint;
  readonly left: bigint;
};

/** An amount taken off the budget before it is signed. */
export type Hold = {
  readonly amount: bigint;
  /** Only where nothing was sent, or where what was sent can move nothing. */
  giveBack(): void;
  /** For credit: what the call did not take of an own top-up may be spent again. */
  release(charged: bigint): void;
};

/** Not enough is left of the total. */
export type Short = { readonly left: bigint };

/** Where credit lies: an asset at an audience. */
export type Place = string;

export type Budget = {
  /** Counts a payment. Synchronous, so that parallel calls cannot pass the total together. */
  takePayment(amount: bigint): Result<Hold, Short>;
  /** Counts a call from credit: what own top-ups paid for was counted when they were signed. */
  takeCredit(place: Place, amount: bigint): Result<Hold, Short>;
  /** Own money became credit here. */
  prepaid(place: Place, amount: bigint): void;
  charge(amount: bigint): void;
  spending(): Spending;
};

/** The total of one agent. A signed authorization counts for good: whoever holds it can settle it, whatever was answered. */
export const createBudget = (total: bigint): Budget => {
  let signed = 0n;
  let charged = 0n;
  const own = new Map<Place, bigint>();
  const ownAt = (place: Place): bigint => own.get(place) ?? 0n;

  const take = (amount: bigint, place?: Place): Result<Hold, Short> => {
    const covered = place === undefined ? 0n : min(ownAt(place), amount);
    const counted = amount - covered;
    if (signed + counted > total) return err({ left: total - signed });
    signed += counted;
    let inOwn = covered;
    if (place !== undefined) own.set(place, ownAt(place) - covered);
    const putBack = (most: bigint): void => {
      const back = min(inOwn, max(most, 0n));
      inOwn -= back;
      if (place !== undefined) own.set(place, ownAt(place) + back);
    };
    let open = true;
    return ok({
      amount,
      giveBack: () => {
        if (!open) return;
        open = false;
        signed -= counted;
        putBack(amount);
      },
      release: (taken) => {
        if (!open) return;
        open = false;
        putBack(amount - taken);
      },
    });
  };

  return {
    takePayment: (amount) => take(amount),
    takeCredit: (place, amount) => take(amount, place),
    prepaid: (place, amount) => {
      own.set(place, ownAt(place) + amount);
    },
    charge: (amount) => {
      charged += amount;
    },
    spending: () => ({ signed, charged, left: total - signed }),
  };
};
