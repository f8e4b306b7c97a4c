import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { CallState, StoredAnswer } from '../../../src/protocol/account/call.ts';
import type { CommandSigner } from '../../../src/protocol/account/command.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Payment, PaymentState } from '../../../src/protocol/payment.ts';

/**
 * How a call is paid, decided at its reserve: the deferred call of a payer without a settled payment settles upfront (law 7). `lent`: an
 * ancestor's credit. `card`: the operator's card; the account only counts the amount.
 */
export type PaidBy = 'deferred' | 'upfront' | 'credit' | 'lent' | 'free' | 'card';

/** A payment as stored: the signature is erased once nothing may present the payment any more. */
export type HeldPayment = Omit<Payment, 'signature'> & { readonly signature?: Hex };

/**
 * The approval of a call: who may decide, and the decision. The record keeps it, so that a restart between any two steps changes nothing.
 */
export type Park = {
  /** The account whose policy asked, and its threshold: atomic units, as a decimal string. */
  readonly asked: AccountId;
  readonly above: string;
  /** The lowest ancestor that may decide; absent: operators only. */
  readonly approver?: AccountId;
  /** The account that approved the call, and its role. */
  readonly approved?: CommandSigner;
};

/** Whether a permit pays after the tool, so that any part of its value may move. */
export const isChargeable = ({ paidBy, held }: Pick<CallRecord, 'paidBy' | 'held'>): boolean =>
  paidBy === 'deferred' && held?.permit !== undefined;

/** The part of a permit that moves once its tool has succeeded and charged. Undefined for payments that move in full. */
export const permitCharge = (record: CallRecord): bigint | undefined =>
  isChargeable(record) && record.state === 'committed' && record.charged > 0n
    ? record.charged
    : undefined;

/** What the payment of a call moves, if it moves. Atomic units. */
export const paymentAmount = (record: CallRecord): bigint => permitCharge(record) ?? record.price;

/**
 * What the payment of a metered call moves beyond the charge. It becomes credit when the payment settles: credit for money that has not
 * arrived would be a gift. Atomic units; 0 for a call that did not succeed.
 */
export const restOf = (record: CallRecord): bigint =>
  record.state === 'committed' && (record.paidBy === 'deferred' || record.paidBy === 'upfront')
    ? paymentAmount(record) - record.charged
    : 0n;

/** The states in which a call has ended. */
export type EndState = Exclude<CallState, 'parked' | 'held'>;

/** One call. */
export type CallRecord = {
  readonly id: Hex;
  readonly request: Hex;
  readonly tool: string;
  /** The attempt that may run the call; no other attempt gets "go" while this one is valid. */
  readonly attempt: Hex;
  readonly state: CallState;
  readonly payment: PaymentState;
  readonly paidBy: PaidBy;
  readonly onSilence: 'release' | 'keep';
  readonly timeoutSeconds: Seconds;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly charged: bigint;
  readonly acceptedAt: Seconds;
  /** When "go" was answered; 0 = not yet (an upfront call before its settlement is known). */
  readonly dispatchedAt: Seconds;
  /** Running: when the alarm abandons the call. Awaiting settlement: until when only its own attempt may settle. */
  readonly holdUntil: Seconds;
  readonly validBefore: Seconds;
  readonly sinceBlock: number;
  /** The chain was observed after `validBefore` of a released payment: its money can never move. */
  readonly hadLastLook: boolean;
  /** `identifierDigest` of the first request's payment-identifier. */
  readonly identifier: Hex | undefined;
  readonly transaction: Hex | undefined;
  readonly held: HeldPayment | undefined;
  /** Only for a top-up: the account that gets the money as credit. */
  readonly topUp: AccountId | undefined;
  readonly answer: StoredAnswer | undefined;
  readonly acceptedEntry: Hex;
  readonly finishedEntry: Hex | undefined;
  readonly policy: Hex;
  /** Names and periods of the counters that the price counts in (`money.countedPeriods`): a policy may change while the call runs. */
  readonly windows: readonly string[];
  /** Set for a call that waits, or waited, for a person. */
  readonly park: Park | undefined;
  /** The grant of the call, and the ancestors' shares that it counts in (`usedShareText`). */
  readonly grant: Hex | undefined;
  readonly usedShares: readonly string[];
  /** The trace of the attempt that was accepted, if it was traced. */
  readonly trace?: string;
  /** The call's own entries; they leave with it. */
  readonly entries: readonly Entry[];
};

/** An upfront call that has not got "go" yet. */
export const awaitsSettlement = (record: CallRecord): boolean =>
  record.state === 'held' && record.dispatchedAt === 0;

/** Whether the account keeps the amount if the tool is silent: the tool may have spent, and the money cannot expire meanwhile (law 4). */
export const isKeepable = ({ onSilence, paidBy }: CallRecord): boolean =>
  onSilence === 'keep' && paidBy !== 'deferred' && paidBy !== 'free';

/** Whether the payment could not be presented because of its payer. While it is open, the payer gets no deferred service (law 7). */
export const isBounced = ({ entries }: CallRecord): boolean =>
  entries.some(({ type }) => type === 'payment.bounced');

/** A tool that may have spent fell silent after dispatch: the amount stays counted until an operator resolves the call (law 4). */
export const keepsHold = (record: CallRecord): boolean =>
  record.state === 'abandoned' &&
  isKeepable(record) &&
  !record.entries.some(({ type }) => type === 'call.resolved');

/** The failure reason of a payment that an operator wrote off. */
export const WRITTEN_OFF = 'written_off';

/** When an operator wrote the payment off without asking the chain; undefined if none did, or if the chain has decided since. */
const writtenOffAt = ({ payment, entries }: CallRecord): Seconds | undefined =>
  payment === 'failed'
    ? entries.findLast(({ payment: recorded }) => recorded?.['reason'] === WRITTEN_OFF)?.at
    : undefined;

const NO_ATTEMPT: Hex = '0x';

/**
 * Reduces a failed call to what still refuses a repeat (law 3), also under another signature with its payment-identifier, and to what a
 * credit entry needs if the payment settles after all. Used once D1 has its entries and its payment had its last look, and written with the
 * result of that look: a separate row would cost more than the bytes that it frees.
 */
export const reduced = (record: CallRecord): CallRecord => ({
  ...record,
  attempt: NO_ATTEMPT,
  timeoutSeconds: 0,
  dispatchedAt: 0,
  holdUntil: 0,
  sinceBlock: 0,
  held: undefined,
  topUp: undefined,
  park: undefined,
  answer: undefined,
  finishedEntry: undefined,
  policy: NO_ATTEMPT,
  windows: [],
  grant: undefined,
  usedShares: [],
  entries: [],
});

export const isReduced = ({ attempt }: CallRecord): boolean => attempt === NO_ATTEMPT;

/** A finished call is kept this long after its proof has expired, so that every repeat finds it (law 3). */
const FORGET_AFTER: Seconds = 600;
/** A settlement message on its way when the payment was written off reports within this time. */
const LATE_RESULT: Seconds = 86_400;

/** The time from which a final call may be forgotten. */
export const forgetAt = (record: CallRecord): Seconds =>
  Math.max(record.validBefore + FORGET_AFTER, (writtenOffAt(record) ?? -LATE_RESULT) + LATE_RESULT);

/** Whether only the last look at its payment is due. */
export const awaitsLook = ({ payment, hadLastLook }: CallRecord): boolean =>
  payment === 'released' && !hadLastLook;

/** Whether the money of this call can no longer change. */
export const isFinal = (record: CallRecord): boolean => {
  if (record.state === 'held' || record.state === 'parked') return false;
  // Law 4: the silence of a tool with `onSilence: keep` keeps its hold until an operator resolves the call.
  if (keepsHold(record)) return false;
  switch (record.payment) {
    case 'none':
    case 'settled':
    case 'failed':
      return true;
    case 'released':
      return record.hadLastLook;
    case 'held':
    case 'queued':
    case 'sent':
      return false;
  }
};
