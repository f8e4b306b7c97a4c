import type { Hex } from '../../core/hex.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import type { Entry, Json } from '../../protocol/entry.ts';

/** What the log says about one call, from acceptance to the end of its payment. Amounts are atomic units. */
export type LedgerCall = {
  readonly kind: 'call';
  /** The entry that accepted the call, parked it, or refused it. */
  readonly entry: Entry;
  /** The account at the top of the tree at that time; the account itself without a parent. */
  readonly owner: AccountId;
  readonly outcome: 'running' | 'waiting' | 'committed' | 'released' | 'abandoned' | 'refused';
  readonly endedAt?: number;
  readonly charged: bigint;
  /** Of the charge: what a top-up bought as credit, so it is no cost. */
  readonly bought: bigint;
  /** The part of the payment that became credit: of a top-up, of a failed call, of a payment that moved late. */
  readonly credited: bigint;
  readonly refunded: bigint;
  readonly reason?: string;
  readonly status?: number;
  /** A silent tool's amount waits for an operator. */
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

/** What the log says about a call after its end: refunds, and a payment that moved although it was released or written off. */
type Afterwards = {
  readonly refunded: bigint;
  readonly late?: Pick<LedgerCall, 'transaction' | 'block' | 'credited'>;
};

/** Collects what came after the end of calls, which is rare: a first pass over a log, so that the second one can let go of ended calls. */
export const createAfterwards = (): {
  readonly see: (entry: Entry) => void;
  readonly of: (call: Hex) => Afterwards;
} => {
  const known = new Map<Hex, Afterwards>();
  const of = (call: Hex): Afterwards => known.get(call) ?? { refunded: 0n };
  return {
    of,
    see: ({ type, call, amounts, payment = {} }) => {
      if (call === undefined) return;
      if (type === 'call.refunded')
        known.set(call, { ...of(call), refunded: BigInt(amounts?.['refunded'] ?? 0) });
      const moved = payment['credited'] ?? payment['cleared'];
      if (type === 'payment.settled' && moved !== undefined)
        known.set(call, {
          ...of(call),
          late: { ...transactionOf(payment), credited: BigInt(textOf(payment['credited']) ?? 0) },
        });
    },
  };
};

/**
 * Folds the log of one account into calls and denials, in the order in which they ended; calls that have not ended come last. Keeps calls
 * under way and nothing else in memory.
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
  payment: entry.payment?.['paidBy'] === 'upfront' && outcome === 'running' ? 'open' : 'none',
});

/** The call after one more entry; undefined for an entry that says nothing about a call under way. */
const callAfter = (
  before: LedgerCall | undefined,
  entry: Entry,
  owner: AccountId,
): LedgerCall | undefined => {
  const { type, at, amounts = {}, outcome = {}, payment = {}, decision } = entry;
  if (type === 'call.parked') return begun(entry, owner, 'waiting');
  if (type === 'call.accepted') return begun(entry, owner, 'running');
  if (type === 'call.refused') {
    const reason = textOf(outcome['reason']) ?? decision ?? 'refused';
    return {
      ...(before ?? begun(entry, owner, 'refused')),
      outcome: 'refused',
      endedAt: at,
      reason,
    };
  }
  if (before === undefined) return undefined;
  const charged = amounts['charged'] === undefined ? {} : { charged: BigInt(amounts['charged']) };
  if (type === 'call.finished' || type === 'call.abandoned')
    return {
      ...before,
      ...charged,
      ...answerOf(outcome),
      outcome: endOf(decision) ?? (type === 'call.abandoned' ? 'abandoned' : 'released'),
      endedAt: at,
      isKept: payment['kept'] === true,
      payment: paymentAfter(before.payment, textOf(payment['state'])),
      ...creditOf(entry, before),
    };
  if (type === 'call.resolved')
    return { ...before, ...charged, isKept: false, ...creditOf(entry, before) };
  if (type === 'call.late') return { ...before, ...answerOf(outcome) };
  const paid = PAYMENT_ENDS[type];
  if (paid === undefined) return undefined;
  const end = endOf(decision);
  return {
    ...before,
    ...charged,
    ...(end === undefined ? {} : { outcome: end, endedAt: at }),
    payment: paid,
    ...transactionOf(payment),
  };
};

const PAYMENT_ENDS: Partial<Readonly<Record<Entry['type'], LedgerCall['payment']>>> = {
  'payment.settled': 'settled',
  'payment.failed': 'failed',
  'payment.released': 'released',
};

/** Upfront money of a call that is not charged becomes credit (law 4); that of a top-up does so by design. */
const creditOf = (
  { amounts = {}, payment = {} }: Entry,
  { entry }: LedgerCall,
): Partial<LedgerCall> => {
  const bought = amounts['credited'];
  if (bought !== undefined) return { bought: BigInt(bought), credited: BigInt(bought) };
  const isReturned =
    amounts['charged'] === '0' && payment['paidBy'] === 'upfront' && payment['state'] === 'settled';
  return isReturned ? { credited: BigInt(entry.amounts?.['price'] ?? 0) } : {};
};

const paymentAfter = (
  before: LedgerCall['payment'],
  state: string | undefined,
): LedgerCall['payment'] => {
  if (state === 'queued' || state === 'sent') return before === 'none' ? 'open' : before;
  return state === 'settled' || state === 'failed' || state === 'released' ? state : before;
};

const endOf = (decision: string | undefined): LedgerCall['outcome'] | undefined =>
  decision === 'committed' || decision === 'released' || decision === 'abandoned'
    ? decision
    : undefined;

type Members = { readonly [key: string]: Json };

const answerOf = ({ reason, status }: Members): Pick<LedgerCall, 'reason' | 'status'> => ({
  ...(typeof reason === 'string' ? { reason } : {}),
  ...(typeof status === 'number' && status > 0 ? { status } : {}),
});

const transactionOf = ({
  transaction,
  block,
}: Members): Pick<LedgerCall, 'transaction' | 'block'> => ({
  ...(typeof transaction === 'string' ? { transaction: transaction as Hex } : {}),
  ...(typeof block === 'number' ? { block } : {}),
});

const textOf = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;
