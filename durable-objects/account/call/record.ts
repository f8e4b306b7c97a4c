import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import type { Payment, PaymentState } from '../../../src/protocol/payment.ts';
import type { CallState } from '../../../src/protocol/account/finish.ts';
import type { StoredAnswer } from '../../../src/protocol/account/reserve.ts';

/** How a call is paid, decided at its reserve: a newcomer's deferred call is settled upfront (law 7). `lent`: credit from above. */
export type PaidBy = 'deferred' | 'upfront' | 'credit' | 'lent' | 'free';

/** A payment as it rests in storage: the signature is gone once nothing may present it any more. */
export type HeldPayment = Omit<Payment, 'signature'> & { readonly signature?: Hex };

/** One call. */
export type CallRecord = {
  readonly id: Hex;
  readonly request: Hex;
  readonly tool: string;
  /** The attempt that may run it; another one never hears "go" while this one lives. */
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
  /** When the tool was let run; 0 = not yet (an upfront call before its settlement is known). */
  readonly dispatchedAt: Seconds;
  /** Running: when the alarm abandons it. Awaiting settlement: until when its attempt may settle undisturbed. */
  readonly holdUntil: Seconds;
  readonly validBefore: Seconds;
  readonly sinceBlock: number;
  /** A released payment was looked at after validBefore: its money can never move (design §6). */
  readonly looked: boolean;
  /** `identifierDigest` of the first request's payment-identifier. */
  readonly identifier: Hex | undefined;
  readonly transaction: Hex | undefined;
  readonly held: HeldPayment | undefined;
  /** Of a top-up: whose credit its money becomes (design §4.4). */
  readonly topUp: AccountId | undefined;
  readonly answer: StoredAnswer | undefined;
  readonly acceptedEntry: Hex;
  readonly finishedEntry: Hex | undefined;
  readonly policy: Hex;
  /** Names and periods of the counters its price was counted in (`money.counted`): a policy may change while it runs. */
  readonly windows: readonly string[];
  /** The grant that it stands on, and the shares from above that it counts in (`drawText`). */
  readonly grant: Hex | undefined;
  readonly draws: readonly string[];
  /** Its own entries; they leave with it. */
  readonly entries: readonly Entry[];
};

/** An upfront call whose tool has not been let run yet. */
export const awaitsSettlement = (record: CallRecord): boolean =>
  record.state === 'held' && record.dispatchedAt === 0;

/** Whether silence would keep its amount: of a tool that may have spent, with money that cannot expire meanwhile (law 4). */
export const isKeepable = ({ onSilence, paidBy }: CallRecord): boolean =>
  onSilence === 'keep' && (paidBy === 'credit' || paidBy === 'lent' || paidBy === 'upfront');

/** Whether the presentation of its payment has failed through the payer. Of an open payment: its payer is not trusted meanwhile (law 7). */
export const isBounced = ({ entries }: CallRecord): boolean =>
  entries.some(({ type }) => type === 'payment.bounced');

/** Silence after dispatch, by a tool that may have spent: the amount stays counted until an operator resolves it (law 4). */
export const keepsHold = (record: CallRecord): boolean =>
  record.state === 'abandoned' &&
  isKeepable(record) &&
  !record.entries.some(({ type }) => type === 'call.resolved');

/** Why a payment failed that an operator gave up. */
export const WRITTEN_OFF = 'written_off';

/** When an operator gave up its payment, without asking the chain; undefined where none did, or the chain has spoken since. */
export const writtenOffAt = ({ payment, entries }: CallRecord): Seconds | undefined =>
  payment === 'failed'
    ? entries.findLast(({ payment: told }) => told?.['reason'] === WRITTEN_OFF)?.at
    : undefined;

const NO_ATTEMPT: Hex = '0x';

/**
 * What stays of a call that has failed, once D1 has its entries and its payment was looked at for the last time: what refuses a repeat
 * (law 3), also of another signature under its payment-identifier, and what a credit entry needs should the payment be settled after
 * all. It is written with that last look: a row of its own would cost more than the bytes that it frees.
 */
export const burned = (record: CallRecord): CallRecord => ({
  ...record,
  attempt: NO_ATTEMPT,
  timeoutSeconds: 0,
  dispatchedAt: 0,
  holdUntil: 0,
  sinceBlock: 0,
  held: undefined,
  topUp: undefined,
  answer: undefined,
  finishedEntry: undefined,
  policy: NO_ATTEMPT,
  windows: [],
  grant: undefined,
  draws: [],
  entries: [],
});

export const isBurned = ({ attempt }: CallRecord): boolean => attempt === NO_ATTEMPT;

/** A finished call is kept this long after its proof has expired, so that no repeat can meet an empty place (law 3). */
const PRUNE_HORIZON: Seconds = 600;
/** A message that was under way when its payment was written off tells within this time what the chain says. */
const LATE_WORD: Seconds = 86_400;

/** From when its row may go, once nothing can happen to its money any more. */
export const prunesAt = (record: CallRecord): Seconds =>
  Math.max(record.validBefore + PRUNE_HORIZON, (writtenOffAt(record) ?? -LATE_WORD) + LATE_WORD);

/** Whether all that is still due of a call is its last look. */
export const awaitsLook = ({ payment, looked }: CallRecord): boolean =>
  payment === 'released' && !looked;

/** Nothing can happen to the money of this call any more. */
export const isFinal = (record: CallRecord): boolean => {
  if (record.state === 'held') return false;
  // Law 4: silence of a tool that spends on someone's behalf keeps its hold until somebody resolves it.
  if (keepsHold(record)) return false;
  switch (record.payment) {
    case 'none':
    case 'settled':
    case 'failed':
      return true;
    case 'released':
      return record.looked;
    case 'held':
    case 'queued':
    case 'sent':
      return false;
  }
};
