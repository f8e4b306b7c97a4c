import { withoutUndefined } from '../core/without-undefined.ts';
import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Entry, Json } from '../protocol/entry.ts';

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
  /** What its end added to `spend`, if that is not `charged`. */
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
    const call = callRow(entry, entry.call);
    const price = call?.price ?? before?.price;
    const payment = paymentAfter(entry, price, before?.payment);
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
  entry: Entry,
  price: number | undefined,
  before: CallUpdate['payment'],
): CallUpdate['payment'] => {
  const known = before?.state === 'open' ? undefined : before;
  if (isCredit(entry)) return creditedPayment(entry, price, known);
  const ended = endedPayment(entry, price);
  // A payment that has ended is never open again.
  return ended ?? (known === undefined && opensPayment(entry) ? { state: 'open' } : undefined);
};

/** Whether an entry opens a payment: deferred ones when their call is committed, upfront ones when it is accepted. */
const opensPayment = ({ type, decision, payment = {} }: Entry): boolean =>
  type === 'call.accepted'
    ? payment.paidBy === 'upfront' && decision === 'settle'
    : (type === 'call.finished' || type === 'call.abandoned') && payment.state === 'queued';

const callRow = (entry: Entry, call: Hex): CallUpdate | undefined => {
  const { seq, amounts, outcome = {}, payment = {} } = entry;
  const known = withoutUndefined({ call, seq, tool: entry.tool, request: entry.request });
  switch (entry.type) {
    case 'call.accepted':
      return { ...known, ...acceptedFacts(entry), state: 'held' };
    case 'call.finished':
    case 'call.abandoned':
      return {
        ...known,
        state: stateOf(entry),
        endedAt: entry.at,
        ...withoutUndefined({
          charged: stored(amounts?.charged),
          spent: amounts?.credited === undefined ? undefined : spentOf(amounts),
          kept: payment.kept === true ? ('held' as const) : undefined,
          ...answered(outcome),
        }),
      };
    // The call ended before without an answer. Its charge is known now.
    case 'call.resolved':
      return {
        ...known,
        state: 'abandoned',
        kept: entry.decision === 'charged' ? 'charged' : 'released',
        ...withoutUndefined({
          charged: stored(amounts?.charged),
          spent: amounts?.before === amounts?.charged ? undefined : stored(amounts?.before),
        }),
      };
    // Each entry has the total, so a redelivery adds nothing.
    case 'call.refunded':
      return { call, seq, ...withoutUndefined({ refunded: stored(amounts?.refunded) }) };
    // The hold ended before the answer, which changes neither the state nor the charge.
    case 'call.late':
      return { ...known, state: 'abandoned', ...withoutUndefined(answered(outcome)) };
    // An upfront call whose payment can never settle ends with it, before its tool ran.
    case 'payment.failed':
    case 'payment.released':
      return entry.decision === undefined
        ? undefined
        : {
            ...known,
            state: stateOf(entry),
            endedAt: entry.at,
            ...withoutUndefined({ charged: stored(amounts?.charged) }),
          };
    // A call that waited and never ran has its only row from here: its payment may still move, and then becomes credit.
    case 'call.refused':
      return {
        ...known,
        ...acceptedFacts(entry),
        state: 'released',
        endedAt: entry.at,
        charged: 0,
        ...withoutUndefined({ reason: entry.decision }),
      };
    case 'call.parked':
    case 'call.approved':
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
    case 'lease.closed':
    case 'account.status':
    case 'account.policy':
    case 'account.label':
    case 'policy.default':
    case 'tool.listed':
    case 'tool.put':
    case 'tool.removed':
    case 'webhook.put':
    case 'webhook.removed':
    case 'secret.put':
    case 'secret.removed':
    case 'settlement.redriven':
    case 'letter.redriven':
    case 'credit.adjusted':
    case 'alert.raised':
    case 'archive.written':
    case 'signer.signed':
    case 'signer.refused':
    case 'signer.failed':
    case 'signer.enrolled':
    case 'signer.policy':
    case 'signer.revoked':
    case 'signer.rotated':
    case 'signer.seed':
    case 'signer.exported':
      return undefined;
  }
};

/** A top-up charges nothing: the calls that use its credit do. */
const spentOf = (amounts: Entry['amounts']): number =>
  (stored(amounts?.charged) ?? 0) - (stored(amounts?.credited) ?? 0);

const acceptedFacts = ({ seq, at, evidence, binding, policy, amounts, payment = {} }: Entry) => ({
  firstSeq: seq,
  acceptedAt: at,
  ...withoutUndefined({
    payee: text(payment.payTo),
    audience: text(evidence?.['audience']),
    binding,
    policy,
    price: stored(amounts?.price),
    asset: text(payment.asset),
    paidBy: text(payment.paidBy),
  }),
});

const endedPayment = (entry: Entry, price: number | undefined): EndedPayment | undefined => {
  const { seq, at, payment = {}, amounts } = entry;
  const state = endOf(entry);
  if (state === undefined) return undefined;
  return {
    seq,
    at,
    state,
    credited: stored(text(payment.credited)) ?? 0,
    ...withoutUndefined({
      amount: stored(amounts?.amount) ?? price,
      transaction: text(payment.transaction),
      block: integer(payment.block),
      fault: text(payment.fault),
      reason: text(payment.reason),
    }),
  };
};

/** The state in which an entry ends a payment; undefined for entries of open payments and all others. */
const endOf = ({ type, payment }: Entry): EndedPayment['state'] | undefined => {
  if (type === 'payment.settled') return 'settled';
  if (type === 'payment.failed') return 'failed';
  if (type === 'payment.released') return 'released';
  // The entry that ends a failed call also releases its payment.
  const endsCall = type === 'call.finished' || type === 'call.abandoned' || type === 'call.refused';
  return endsCall && payment?.state === 'released' ? 'released' : undefined;
};

/** Whether an entry turns a settled upfront payment into credit: an uncharged call (law 4), a released kept amount, or a top-up. */
export const isCredit = ({ type, amounts, payment }: Entry): boolean =>
  (type === 'call.finished' || type === 'call.abandoned' || type === 'call.resolved') &&
  payment?.state === 'settled' &&
  payment.paidBy === 'upfront' &&
  (amounts?.charged === '0' || amounts?.credited !== undefined);

/** The settled payment, now credited in full. Its transaction and time stay. */
const creditedPayment = (
  { seq, at }: Entry,
  price: number | undefined,
  settled: EndedPayment | undefined,
): EndedPayment => {
  const { credited: _, ...known } = settled ?? { at };
  const amount = settled?.amount ?? price;
  return { ...known, seq, state: 'settled', ...withoutUndefined({ amount, credited: amount }) };
};

/** The states in which a call can end. The last entry of a call has its state in `decision`. */
const ENDED = new Set<string>(['committed', 'released', 'abandoned'] satisfies NonNullable<
  CallUpdate['state']
>[]);

/** The state of a call after an entry. */
export const stateOf = ({ type, decision, outcome }: Entry): NonNullable<CallUpdate['state']> => {
  if (decision !== undefined && ENDED.has(decision))
    return decision as NonNullable<CallUpdate['state']>;
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
