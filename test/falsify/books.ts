import type { Hex } from '../../src/core/hex.ts';
import { nowSeconds, type Seconds } from '../../src/core/clock.ts';
import type { Branch, Member } from './fleet.ts';

/** One call, as whoever made it knows it. */
export type Booked = {
  readonly id: Hex;
  readonly member: Member;
  readonly branch: Branch;
  readonly price: bigint;
  /** Moments of these books: when it was heard that it may run, and before its end was sent. */
  went: Moment | undefined;
  ending: Moment | undefined;
  /** What it was charged, once that was heard; and whether its hold stays for good. */
  charged: bigint | undefined;
  kept: boolean;
};

/** Their order is that of what happened; the time is the clock's then. */
export type Moment = { readonly order: number; readonly at: Seconds };

/** A ledger of the caller's own: nothing in it comes out of a counter of an account. */
export type Books = {
  readonly calls: Map<Hex, Booked>;
  readonly open: (of: Pick<Booked, 'id' | 'member' | 'branch' | 'price'>) => Booked;
  readonly moment: () => Moment;
  readonly moments: readonly Moment[];
};

export const openBooks = (): Books => {
  const moments: Moment[] = [];
  const calls = new Map<Hex, Booked>();
  return {
    calls,
    moments,
    moment() {
      const moment = { order: moments.length, at: nowSeconds() };
      moments.push(moment);
      return moment;
    },
    open(of) {
      const booked: Booked = {
        ...of,
        went: undefined,
        ending: undefined,
        charged: undefined,
        kept: false,
      };
      calls.set(of.id, booked);
      return booked;
    },
  };
};
