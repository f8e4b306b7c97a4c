import type { Hex } from '../../src/core/hex.ts';
import { nowSeconds, type Seconds } from '../../src/core/clock.ts';
import type { Branch, Member } from './fleet.ts';

/** A call, as its caller knows it. */
export type JournalCall = {
  readonly id: Hex;
  readonly member: Member;
  readonly branch: Branch;
  readonly price: bigint;
  /** What a metered stream costs by the rules of docs/tools.md, if it ends in time. Undefined for every other call. */
  readonly ruled: bigint | undefined;
  /** When the caller received the verdict to run. */
  admitted: Moment | undefined;
  /** Just before the caller reported the result. */
  finishing: Moment | undefined;
  /** The charge that the account confirmed. */
  charged: bigint | undefined;
  /** Whether the account keeps the hold until an operator resolves the call. */
  kept: boolean;
};

/** A position in the sequence of all events, and the clock's time at it. */
export type Moment = { readonly order: number; readonly at: Seconds };

/** The callers' own record of their calls. It copies no counter of an account, so it can contradict an account. */
export type Journal = {
  readonly calls: Map<Hex, JournalCall>;
  readonly open: (
    of: Pick<JournalCall, 'id' | 'member' | 'branch' | 'price' | 'ruled'>,
  ) => JournalCall;
  readonly moment: () => Moment;
  readonly moments: readonly Moment[];
};

export const openJournal = (): Journal => {
  const moments: Moment[] = [];
  const calls = new Map<Hex, JournalCall>();
  return {
    calls,
    moments,
    moment() {
      const moment = { order: moments.length, at: nowSeconds() };
      moments.push(moment);
      return moment;
    },
    open(of) {
      const noted: JournalCall = {
        ...of,
        admitted: undefined,
        finishing: undefined,
        charged: undefined,
        kept: false,
      };
      calls.set(of.id, noted);
      return noted;
    },
  };
};
