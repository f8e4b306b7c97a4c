import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Entry, Json } from '../protocol/entry.ts';

/** What a run of entries says of one call: a member that is missing is not touched in its row. Amounts are atomic units. */
export type CallRow = {
  readonly call: Hex;
  /** Seq of the newest entry that went in: an older run never overwrites it. */
  readonly seq: number;
  readonly state: 'held' | 'committed' | 'released' | 'abandoned';
  /** Seq of the entry that accepted it. */
  readonly firstSeq?: number;
  readonly tool?: string;
  readonly payee?: string;
  readonly request?: Hex;
  readonly binding?: string;
  readonly asset?: string;
  readonly price?: number;
  readonly paidBy?: string;
  readonly charged?: number;
  readonly success?: 0 | 1;
  readonly status?: number;
  readonly digest?: string;
  readonly reason?: string;
  readonly policy?: Hex;
  /** Of a silent tool's call: whether its amount waits for an operator, or what he has decided. */
  readonly kept?: 'held' | 'charged' | 'released';
  readonly acceptedAt?: Seconds;
  readonly endedAt?: Seconds;
};

/** How one payment ended. `amount` and `credited` are missing where they are the price, and only the call's own row knows it. */
export type PaymentRow = {
  readonly call: Hex;
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

export type Projection = {
  readonly calls: readonly CallRow[];
  readonly payments: readonly PaymentRow[];
  /** Calls whose payment is under way after these entries, and calls of before them whose payment is no longer. */
  readonly opened: readonly Hex[];
  readonly closed: readonly Hex[];
};

/**
 * What a run of entries means for the index tables: one row a call and one row an ended payment, however many entries
 * tell of it. Pure. Denials claim no call, so they have no row. @throws RangeError for an amount storage would round
 */
export const project = (entries: readonly Entry[]): Projection => {
  const calls = new Map<Hex, CallRow>();
  const payments = new Map<Hex, PaymentRow>();
  const open = new Map<Hex, boolean>();
  for (const entry of entries) {
    if (entry.call === undefined) continue;
    const opens = opensPayment(entry);
    if (opens !== undefined) open.set(entry.call, opens);
    const call = callRow(entry, entry.call);
    if (call !== undefined) calls.set(entry.call, { ...calls.get(entry.call), ...call });
    const price = calls.get(entry.call)?.price;
    const payment = isCredit(entry)
      ? creditRow(entry, entry.call, price, payments.get(entry.call))
      : paymentRow(entry, entry.call, price);
    if (payment !== undefined) payments.set(entry.call, payment);
  }
  const isOpen = [...open];
  return {
    calls: [...calls.values()],
    payments: [...payments.values()],
    opened: isOpen.filter(([, opens]) => opens).map(([call]) => call),
    closed: isOpen
      // One that was accepted here, too, has no row that could be deleted.
      .filter(([call, opens]) => !opens && calls.get(call)?.firstSeq === undefined)
      .map(([call]) => call),
  };
};

/**
 * Whether an entry puts a payment under way or ends one: a deferred one is committed to with its call, one that is settled first when
 * its call is accepted. Undefined where it does neither.
 */
const opensPayment = ({ type, decision, payment = {} }: Entry): boolean | undefined => {
  if (type === 'call.accepted') {
    return payment.paidBy === 'upfront' && decision === 'settle' ? true : undefined;
  }
  if (type === 'call.finished' || type === 'call.abandoned') {
    if (payment.state === 'queued') return true;
    return payment.state === 'released' ? false : undefined;
  }
  return ENDS_PAYMENT.has(type) ? false : undefined;
};

const ENDS_PAYMENT = new Set<Entry['type']>([
  'payment.settled',
  'payment.failed',
  'payment.released',
]);

const callRow = (entry: Entry, call: Hex): CallRow | undefined => {
  const { seq, amounts, outcome = {}, payment = {} } = entry;
  const known = defined({ call, seq, tool: entry.tool, request: entry.request });
  switch (entry.type) {
    case 'call.accepted':
      return {
        ...known,
        state: 'held',
        firstSeq: seq,
        acceptedAt: entry.at,
        ...defined({
          payee: text(payment.payTo),
          binding: entry.binding,
          policy: entry.policy,
          price: stored(amounts?.price),
          asset: text(payment.asset),
          paidBy: text(payment.paidBy),
        }),
      };
    case 'call.finished':
    case 'call.abandoned':
      return {
        ...known,
        state: stateOf(entry),
        endedAt: entry.at,
        ...defined({
          charged: stored(amounts?.charged),
          kept: payment.kept === true ? ('held' as const) : undefined,
          ...answered(outcome),
        }),
      };
    // The call has ended before, without an answer: what it costs is known now.
    case 'call.resolved':
      return {
        ...known,
        state: 'abandoned',
        kept: entry.decision === 'charged' ? 'charged' : 'released',
        ...defined({ charged: stored(amounts?.charged) }),
      };
    // The hold had ended before; what the tool said afterwards changes neither the state nor the charge.
    case 'call.late':
      return { ...known, state: 'abandoned', ...defined(answered(outcome)) };
    // An upfront call whose money can never move ends with its payment: its tool was not run.
    case 'payment.failed':
    case 'payment.released':
      return entry.decision === undefined
        ? undefined
        : {
            ...known,
            state: stateOf(entry),
            endedAt: entry.at,
            ...defined({ charged: stored(amounts?.charged) }),
          };
    case 'call.denied':
    case 'call.dispatched':
    case 'payment.settled':
    case 'payment.bounced':
    case 'credit.received':
    case 'credit.refunded':
    case 'credit.lent':
    case 'grant.issued':
    case 'grant.accepted':
    case 'grant.taken':
    case 'grant.revoked':
    case 'grant.default':
    case 'account.status':
    case 'account.policy':
    case 'account.label':
    case 'tool.put':
    case 'tool.removed':
    case 'webhook.put':
    case 'webhook.removed':
    case 'settlement.redriven':
    case 'letter.redriven':
    case 'credit.adjusted':
    case 'alert.raised':
      return undefined;
  }
};

const paymentRow = (entry: Entry, call: Hex, price: number | undefined): PaymentRow | undefined => {
  const { seq, at, payment = {}, amounts } = entry;
  const amount = stored(amounts?.amount) ?? price;
  const ended = {
    call,
    seq,
    at,
    credited: stored(text(payment.credited)) ?? 0,
    ...defined({
      amount,
      transaction: text(payment.transaction),
      block: integer(payment.block),
      fault: text(payment.fault),
      reason: text(payment.reason),
    }),
  };
  switch (entry.type) {
    case 'payment.settled':
      return { ...ended, state: 'settled' };
    case 'payment.failed':
      return { ...ended, state: 'failed' };
    case 'payment.released':
      return { ...ended, state: 'released' };
    // A call whose tool failed gives its payment back in the entry that ends it.
    case 'call.finished':
    case 'call.abandoned':
      return payment.state === 'released' ? { ...ended, state: 'released' } : undefined;
    // Still open: its end will make the row.
    case 'payment.bounced':
    case 'call.accepted':
    case 'call.denied':
    case 'call.dispatched':
    case 'call.late':
    case 'call.resolved':
    case 'credit.received':
    case 'credit.refunded':
    case 'credit.lent':
    case 'grant.issued':
    case 'grant.accepted':
    case 'grant.taken':
    case 'grant.revoked':
    case 'grant.default':
    case 'account.status':
    case 'account.policy':
    case 'account.label':
    case 'tool.put':
    case 'tool.removed':
    case 'webhook.put':
    case 'webhook.removed':
    case 'settlement.redriven':
    case 'letter.redriven':
    case 'credit.adjusted':
    case 'alert.raised':
      return undefined;
  }
};

/**
 * Whether an entry turns money that moved before the tool ran into credit: the call has ended without being charged (law 4), what it
 * had kept was given back, or it was a top-up.
 */
const isCredit = ({ type, amounts, payment }: Entry): boolean =>
  (type === 'call.finished' || type === 'call.abandoned' || type === 'call.resolved') &&
  payment?.state === 'settled' &&
  payment.paidBy === 'upfront' &&
  (amounts?.charged === '0' || amounts?.credited !== undefined);

/** The settled payment, all of it credited now. Where and when it settled stays as it was. */
const creditRow = (
  { seq, at }: Entry,
  call: Hex,
  price: number | undefined,
  settled: PaymentRow | undefined,
): PaymentRow => {
  const { credited: _, ...known } = settled ?? { call, at };
  const amount = settled?.amount ?? price;
  return { ...known, seq, state: 'settled', ...defined({ amount, credited: amount }) };
};

/** Names of the states a call can end in, as its last entry says them in `decision`. */
const ENDED = new Set<string>(['committed', 'released', 'abandoned'] satisfies CallRow['state'][]);

/** The state that an entry leaves its call in. */
export const stateOf = ({ type, decision, outcome }: Entry): CallRow['state'] => {
  if (decision !== undefined && ENDED.has(decision)) return decision as CallRow['state'];
  if (type === 'call.abandoned') return 'abandoned';
  return outcome?.success === true ? 'committed' : 'released';
};

const answered = (outcome: { readonly [key: string]: Json }) => ({
  success: typeof outcome.success === 'boolean' ? ((outcome.success ? 1 : 0) as 0 | 1) : undefined,
  status: integer(outcome.status),
  digest: text(outcome.digest),
  reason: text(outcome.reason),
});

const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

const integer = (value: Json | undefined): number | undefined =>
  typeof value === 'number' ? value : undefined;

const stored = (value: string | undefined): number | undefined => {
  const amount = value === undefined ? undefined : parseAmount(value);
  return amount === undefined ? undefined : toStored(amount);
};

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** Without the members that are undefined, so that merging two rows never erases what one of them knew. */
const defined = <T extends object>(members: T): Defined<T> =>
  Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== undefined),
  ) as Defined<T>;
