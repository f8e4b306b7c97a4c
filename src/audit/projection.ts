import { withoutUndefined } from '../core/without-undefined.ts';
import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Entry } from '../protocol/entry.ts';
import { changesCallRow, type Facts, factsOf } from '../protocol/log/facts.ts';

/** The changes of a call's row. An absent member leaves its column unchanged. Amounts are atomic units. */
export type CallUpdate = {
  readonly call: Hex;
  /** Seq of the newest entry about the call itself. */
  readonly seq?: number;
  readonly state?: 'held' | 'committed' | 'released' | 'abandoned';
  /** Seq of the entry that accepted it. */
  readonly firstSeq?: number;
  readonly tool?: string;
  readonly payee?: string;
  readonly audience?: string;
  readonly request?: Hex;
  readonly binding?: string;
  readonly asset?: string;
  readonly price?: number;
  readonly paidBy?: string;
  readonly charged?: number;
  /** The amount that the call's end added to `spend`, if it differs from `charged`. */
  readonly spent?: number;
  /** All of its refunds so far. */
  readonly refunded?: number;
  readonly success?: 0 | 1;
  readonly status?: number;
  readonly digest?: string;
  readonly reason?: string;
  readonly policy?: Hex;
  /** The amount of a silent tool: held until an operator charges or releases it. */
  readonly kept?: 'held' | 'charged' | 'released';
  readonly acceptedAt?: Seconds;
  readonly endedAt?: Seconds;
  readonly payment?: OpenPayment | EndedPayment;
};

/** A payment under way: from the commit of its call (upfront: from its acceptance) until the chain has decided. */
type OpenPayment = { readonly state: 'open' };

/** The end of a payment. Without `amount` or `credited`, the price in the call's row applies. */
type EndedPayment = {
  readonly seq: number;
  readonly state: 'settled' | 'failed' | 'released';
  readonly amount?: number;
  readonly credited?: number;
  readonly transaction?: string;
  readonly block?: number;
  readonly fault?: string;
  readonly reason?: string;
  readonly at: Seconds;
};

/**
 * Projects entries to the rows of `calls`: one update per call, however many entries describe it and its payment. A denial reserves no call,
 * so it has no row. Pure.
 *
 * @throws RangeError for an amount that is not a safe integer
 */
export const project = (entries: readonly Entry[]): readonly CallUpdate[] => {
  const calls = new Map<Hex, CallUpdate>();
  for (const entry of entries) {
    if (entry.call === undefined) continue;
    const before = calls.get(entry.call);
    const facts = factsOf(entry);
    const call = callRow(facts, entry.call);
    const price = call?.price ?? before?.price;
    const payment = paymentAfter(facts, price, before?.payment);
    if (call === undefined && payment === undefined) continue;
    calls.set(entry.call, {
      ...before,
      ...(call ?? { call: entry.call }),
      ...withoutUndefined({ payment }),
    });
  }
  return [...calls.values()];
};

/** The payment after an entry; undefined if the entry does not change it. */
const paymentAfter = (
  entry: Facts,
  price: number | undefined,
  before: CallUpdate['payment'],
): CallUpdate['payment'] => {
  const known = before?.state === 'open' ? undefined : before;
  const credit = creditOf(entry);
  if (credit !== undefined) return creditedPayment(entry, credit, price, known);
  const ended = endedPayment(entry, price);
  // A payment that has ended is never open again.
  return ended ?? (known === undefined && opensPayment(entry) ? { state: 'open' } : undefined);
};

/** Whether an entry opens a payment: deferred ones when their call is committed, upfront ones when it is accepted. */
const opensPayment = (entry: Facts): boolean =>
  entry.type === 'call.accepted'
    ? entry.payment.paidBy === 'upfront' && entry.decision === 'settle'
    : (entry.type === 'call.finished' || entry.type === 'call.abandoned') &&
      entry.payment.state === 'queued';

const callRow = (entry: Facts, call: Hex): CallUpdate | undefined => {
  if (!changesCallRow(entry)) return undefined;
  const { seq } = entry;
  const known = withoutUndefined({ call, seq, tool: entry.tool, request: entry.request });
  switch (entry.type) {
    case 'call.accepted': {
      const { audience } = entry.evidence;
      return {
        ...{ ...known, ...acceptedFacts(entry), state: 'held' },
        ...withoutUndefined({ audience }),
      };
    }
    case 'call.finished':
    case 'call.abandoned': {
      const { charged, credited } = entry.amounts;
      return {
        ...known,
        state: stateOf(entry),
        endedAt: entry.at,
        ...withoutUndefined({
          charged: stored(charged),
          // A top-up charges nothing: the calls that use its credit do.
          spent:
            credited === undefined ? undefined : (stored(charged) ?? 0) - (stored(credited) ?? 0),
          kept: entry.payment.kept === true ? ('held' as const) : undefined,
          ...answered(entry.outcome),
        }),
      };
    }
    // The call had ended without an answer; its charge is known only now.
    case 'call.resolved':
      return {
        ...known,
        state: 'abandoned',
        kept: entry.decision === 'charged' ? 'charged' : 'released',
        ...withoutUndefined({
          charged: stored(entry.amounts.charged),
          spent:
            entry.amounts.before === entry.amounts.charged
              ? undefined
              : stored(entry.amounts.before),
        }),
      };
    // Each entry has the total, so a redelivery adds nothing.
    case 'call.refunded':
      return { call, seq, ...withoutUndefined({ refunded: stored(entry.amounts.refunded) }) };
    // The hold ended before the answer arrived, so the answer changes neither the state nor the charge.
    case 'call.late':
      return { ...known, state: 'abandoned', ...withoutUndefined(answered(entry.outcome)) };
    // An upfront call whose payment can never settle ends with it, before its tool ran.
    case 'payment.failed':
    case 'payment.released':
      return entry.decision === undefined
        ? undefined
        : {
            ...known,
            state: stateOf(entry),
            endedAt: entry.at,
            ...withoutUndefined({ charged: stored(entry.amounts.charged) }),
          };
    // A parked call that never ran gets its only row here: its payment may still move, and then becomes credit.
    case 'call.refused':
      return {
        ...known,
        ...acceptedFacts(entry),
        state: 'released',
        endedAt: entry.at,
        charged: 0,
        ...withoutUndefined({ reason: entry.decision }),
      };
    case 'payment.settled':
      return undefined;
  }
};

const acceptedFacts = ({
  seq,
  at,
  binding,
  policy,
  amounts,
  payment,
}: Facts<'call.accepted' | 'call.refused'>) => ({
  firstSeq: seq,
  acceptedAt: at,
  ...withoutUndefined({
    payee: payment.payTo,
    binding,
    policy,
    price: stored(amounts.price),
    asset: payment.asset,
    paidBy: payment.paidBy,
  }),
});

const endedPayment = (entry: Facts, price: number | undefined): EndedPayment | undefined => {
  const { seq, at } = entry;
  if (
    entry.type === 'call.finished' ||
    entry.type === 'call.abandoned' ||
    entry.type === 'call.refused'
  ) {
    // The entry that ends a failed call also releases its payment.
    return entry.payment.state === 'released'
      ? { seq, at, state: 'released', credited: 0, ...withoutUndefined({ amount: price }) }
      : undefined;
  }
  if (
    entry.type !== 'payment.settled' &&
    entry.type !== 'payment.failed' &&
    entry.type !== 'payment.released'
  ) {
    return undefined;
  }
  const { credited, transaction, block, fault, reason }: PaymentEnd = entry.payment;
  const amount = stored(entry.amounts.amount) ?? price;
  return {
    ...{ seq, at, state: PAYMENT_ENDS[entry.type], credited: stored(credited) ?? 0 },
    ...withoutUndefined({ amount, transaction, block, fault, reason }),
  };
};

type PaymentEnd = Facts<'payment.settled'>['payment'] & Facts<'payment.failed'>['payment'];

/** The state in which an entry ends a payment. */
const PAYMENT_ENDS = {
  'payment.settled': 'settled',
  'payment.failed': 'failed',
  'payment.released': 'released',
} as const;

/**
 * Returns what an entry turns into credit of an upfront payment that has settled: `all` for an uncharged call (law 4), a released kept amount
 * or a top-up; for a metered call the part that it did not charge, as a decimal string. Undefined: nothing.
 */
export const creditOf = (entry: Facts): 'all' | { readonly part: string } | undefined => {
  const isEnd =
    entry.type === 'call.finished' ||
    entry.type === 'call.abandoned' ||
    entry.type === 'call.resolved';
  if (!isEnd) return undefined;
  const { charged, credited }: Facts<'call.finished'>['amounts'] = entry.amounts;
  const { state, paidBy, credited: part }: Facts<'call.finished'>['payment'] = entry.payment;
  if (state !== 'settled' || paidBy !== 'upfront') return undefined;
  if (charged === '0' || credited !== undefined) return 'all';
  return part === undefined ? undefined : { part };
};

/** The settled payment, now credited in full or in part. Its transaction and time stay. */
const creditedPayment = (
  { seq, at }: Facts,
  credit: NonNullable<ReturnType<typeof creditOf>>,
  price: number | undefined,
  settled: EndedPayment | undefined,
): EndedPayment => {
  const { credited: _, ...known } = settled ?? { at };
  const amount = settled?.amount ?? price;
  const credited = credit === 'all' ? amount : stored(credit.part);
  return { ...known, seq, state: 'settled', ...withoutUndefined({ amount, credited }) };
};

/** The states in which a call can end. The last entry of a call has its state in `decision`. */
const ENDED = new Set<string>(['committed', 'released', 'abandoned'] satisfies NonNullable<
  CallUpdate['state']
>[]);

/** The state of a call after an entry. */
export const stateOf = ({ type, decision, outcome }: Facts): NonNullable<CallUpdate['state']> => {
  if (decision !== undefined && ENDED.has(decision))
    return decision as NonNullable<CallUpdate['state']>;
  if (type === 'call.abandoned') return 'abandoned';
  return 'success' in outcome && outcome.success === true ? 'committed' : 'released';
};

const answered = (outcome: Facts<'call.finished' | 'call.abandoned' | 'call.late'>['outcome']) => {
  const { success, status, digest, reason }: Facts<'call.finished'>['outcome'] = outcome;
  return {
    success: success === undefined ? undefined : success ? (1 as const) : (0 as const),
    ...{ status, digest, reason },
  };
};

const stored = (value: string | undefined): number | undefined => {
  const amount = value === undefined ? undefined : parseAmount(value);
  return amount === undefined ? undefined : toStored(amount);
};
