import type { Hex } from '../../core/hex.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { isCredit, opensPayment, PAYMENT_ENDS, stateOf } from '../../audit/projection.ts';
import type { Entry } from '../../protocol/entry.ts';
import { type Facts, factsOf } from '../../protocol/log/facts.ts';

/** One call as the log shows it, from acceptance to the end of its payment. Amounts are atomic units. */
export type LedgerCall = {
  readonly kind: 'call';
  /** The entry that accepted the call, parked it, or refused it. */
  readonly entry: Entry;
  /** The account at the top of the tree at that time; the account itself without a parent. */
  readonly owner: AccountId;
  readonly outcome: 'running' | 'waiting' | 'committed' | 'released' | 'abandoned' | 'refused';
  readonly endedAt?: number;
  readonly charged: bigint;
  /** The part of the charge that bought credit in a top-up, and so is no cost. */
  readonly bought: bigint;
  /** The part of the payment that became credit: of a top-up, of a failed call, of a payment that moved late. */
  readonly credited: bigint;
  readonly refunded: bigint;
  readonly reason?: string;
  readonly status?: number;
  /** Whether the amount of a silent tool waits for an operator. */
  readonly isKept: boolean;
  readonly payment: 'none' | 'open' | 'settled' | 'failed' | 'released';
  readonly transaction?: Hex;
  readonly block?: number;
};

/** Equal denials within ten seconds are one entry. */
export type LedgerDenial = {
  readonly kind: 'denial';
  readonly entry: Entry;
  readonly owner: AccountId;
};

/** The events of a call after its end: refunds, and a payment that moved although it was released or written off. */
type Afterwards = {
  readonly refunded: bigint;
  readonly late?: Pick<LedgerCall, 'transaction' | 'block' | 'credited'>;
};

/** Collects events after the end of calls, which are rare. This first pass over a log lets the second pass forget ended calls. */
export const createAfterwards = (): {
  readonly see: (entry: Entry) => void;
  readonly of: (call: Hex) => Afterwards;
} => {
  const known = new Map<Hex, Afterwards>();
  const of = (call: Hex): Afterwards => known.get(call) ?? { refunded: 0n };
  return {
    of,
    see: (logged) => {
      const entry = factsOf(logged);
      const { call } = entry;
      if (call === undefined) return;
      if (entry.type === 'call.refunded')
        known.set(call, { ...of(call), refunded: BigInt(entry.amounts.refunded ?? 0) });
      if (entry.type !== 'payment.settled') return;
      const { credited, cleared } = entry.payment;
      if (credited === undefined && cleared === undefined) return;
      const late = { ...transactionOf(entry.payment), credited: BigInt(credited ?? 0) };
      known.set(call, { ...of(call), late });
    },
  };
};

/**
 * Folds the log of one account into calls and denials, in the order in which they ended; calls that have not ended come last. Keeps only
 * calls in progress in memory.
 */
export const createCallLedger = (
  account: AccountId,
  afterwards: (call: Hex) => Afterwards,
): {
  readonly see: (entry: Entry) => readonly (LedgerCall | LedgerDenial)[];
  readonly end: () => readonly LedgerCall[];
} => {
  const open = new Map<Hex, LedgerCall>();
  let owner = account;
  const finished = (call: Hex, one: LedgerCall): LedgerCall => {
    const { refunded, late } = afterwards(call);
    return { ...one, refunded, ...(late === undefined ? {} : { ...late, payment: 'settled' }) };
  };
  return {
    see: (entry) => {
      const { type, call } = entry;
      if (type === 'grant.taken') owner = topOf(entry) ?? owner;
      if (type === 'call.denied') return [{ kind: 'denial', entry, owner }];
      if (call === undefined) return [];
      const next = callAfter(open.get(call), entry, owner);
      if (next === undefined) return [];
      const isOver = next.endedAt !== undefined && !next.isKept && next.payment !== 'open';
      if (isOver) open.delete(call);
      else open.set(call, next);
      return isOver ? [finished(call, next)] : [];
    },
    end: () => [...open].map(([call, one]) => finished(call, one)),
  };
};

const topOf = ({ outcome }: Entry): AccountId | undefined => {
  const above = outcome?.['above'];
  const top = Array.isArray(above) ? above.at(-1) : undefined;
  return typeof top === 'string' && parseAccountId(top) !== undefined
    ? (top as AccountId)
    : undefined;
};

const begun = (entry: Entry, owner: AccountId, outcome: LedgerCall['outcome']): LedgerCall => ({
  kind: 'call',
  ...{ entry, owner, outcome, charged: 0n, bought: 0n, credited: 0n, refunded: 0n, isKept: false },
  payment: opensPayment(factsOf(entry)) ? 'open' : 'none',
});

/** The call after one more entry; undefined for an entry that concerns no call in progress. */
const callAfter = (
  before: LedgerCall | undefined,
  logged: Entry,
  owner: AccountId,
): LedgerCall | undefined => {
  const entry = factsOf(logged);
  const { at } = entry;
  if (entry.type === 'call.parked') return begun(logged, owner, 'waiting');
  if (entry.type === 'call.accepted') return begun(logged, owner, 'running');
  if (entry.type === 'call.refused') {
    const reason = entry.outcome.reason ?? entry.decision ?? 'refused';
    const refused = before ?? begun(logged, owner, 'refused');
    return { ...refused, outcome: 'refused', endedAt: at, reason };
  }
  if (before === undefined) return undefined;
  if (entry.type === 'call.finished' || entry.type === 'call.abandoned')
    return {
      ...before,
      ...chargedIn(entry),
      ...answerOf(entry.outcome),
      outcome: stateOf(entry) as LedgerCall['outcome'],
      endedAt: at,
      isKept: entry.payment.kept === true,
      payment: paymentAfter(before.payment, entry.payment.state),
      ...creditOf(entry, before),
    };
  if (entry.type === 'call.resolved')
    return { ...before, ...chargedIn(entry), isKept: false, ...creditOf(entry, before) };
  if (entry.type === 'call.late') return { ...before, ...answerOf(entry.outcome) };
  if (
    entry.type !== 'payment.settled' &&
    entry.type !== 'payment.failed' &&
    entry.type !== 'payment.released'
  ) {
    return undefined;
  }
  return {
    ...before,
    ...chargedIn(entry),
    // An upfront call ends with its payment if that can never settle.
    ...(entry.decision === undefined
      ? {}
      : { outcome: stateOf(entry) as LedgerCall['outcome'], endedAt: at }),
    payment: PAYMENT_ENDS[entry.type],
    ...(entry.type === 'payment.released' ? {} : transactionOf(entry.payment)),
  };
};

type Charging =
  | 'call.finished'
  | 'call.abandoned'
  | 'call.resolved'
  | 'payment.settled'
  | 'payment.failed'
  | 'payment.released';

const chargedIn = ({ amounts: { charged } }: Facts<Charging>): Partial<LedgerCall> =>
  charged === undefined ? {} : { charged: BigInt(charged) };

/** Upfront money of a call that is not charged becomes credit (law 4); that of a top-up does so by design. */
const creditOf = (
  entry: Facts<'call.finished' | 'call.abandoned' | 'call.resolved'>,
  { entry: begin }: LedgerCall,
): Partial<LedgerCall> => {
  const { credited }: Facts<'call.finished'>['amounts'] = entry.amounts;
  if (credited !== undefined) return { bought: BigInt(credited), credited: BigInt(credited) };
  return isCredit(entry) ? { credited: BigInt(begin.amounts?.['price'] ?? 0) } : {};
};

const paymentAfter = (
  before: LedgerCall['payment'],
  state: string | undefined,
): LedgerCall['payment'] => {
  if (state === 'queued' || state === 'sent') return before === 'none' ? 'open' : before;
  return state === 'settled' || state === 'failed' || state === 'released' ? state : before;
};

const answerOf = ({
  reason,
  status,
}: Facts<'call.finished'>['outcome']): Pick<LedgerCall, 'reason' | 'status'> => ({
  ...(reason === undefined ? {} : { reason }),
  ...(status !== undefined && status > 0 ? { status } : {}),
});

const transactionOf = ({
  transaction,
  block,
}: Facts<'payment.settled'>['payment']): Pick<LedgerCall, 'transaction' | 'block'> => ({
  ...(transaction === undefined ? {} : { transaction: transaction as Hex }),
  ...(block === undefined ? {} : { block }),
});
