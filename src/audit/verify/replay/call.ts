import type { Seconds } from '../../../core/clock.ts';
import type { Hex } from '../../../core/hex.ts';
import type { AccountId, AssetId } from '../../../protocol/account-id.ts';
import type { Entry } from '../../../protocol/entry.ts';
import { amountOf, textOf } from './members.ts';

export const PAID_BY = ['deferred', 'upfront', 'credit', 'lent', 'free', 'card'] as const;

export type PaidBy = (typeof PAID_BY)[number];

/** A counter, and the period in which a call counts. */
export type HeldIn = { readonly name: string; readonly start: Seconds };

/** One call of an account, as its entries show it. */
export type ReplayedCall = {
  readonly id: Hex;
  readonly tool: string | undefined;
  readonly request: Hex | undefined;
  /** Hash of the policy, or of the list of policies, by which it was accepted. */
  readonly policy: Hex | undefined;
  /** When it was accepted, or parked. */
  readonly at: Seconds;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly paidBy: PaidBy;
  /** Only for a top-up: the account that gets the money as credit. */
  readonly creditTo: AccountId | undefined;
  readonly grant: Hex | undefined;
  /** Only for a call that an ancestor's credit pays: the grant under which the credit is lent. */
  readonly lender: Hex | undefined;
  readonly state: 'parked' | 'held' | 'committed' | 'released' | 'abandoned';
  readonly payment: 'none' | 'held' | 'queued' | 'settled' | 'failed' | 'released';
  /** Only for a failed payment. */
  readonly fault: string | undefined;
  readonly charged: bigint;
  readonly refunded: bigint;
  readonly heldIn: readonly HeldIn[];
  readonly isApproved: boolean;
  /** Only for a parked call: until when a person may decide. */
  readonly until: Seconds | undefined;
  /** Whether its tool fell silent, so that the amount stays held until an operator resolves the call. */
  readonly isKept: boolean;
  readonly isBounced: boolean;
  /** Whether a Permit2 permit pays after the tool, so that any part of its value may move. */
  readonly isPermit: boolean;
  /** Whether `call.finished` or `call.late` was entered. */
  readonly hasAnswer: boolean;
};

/** Reads the call that `call.accepted` or `call.parked` starts; undefined if a member is missing or wrong. */
export const startedCall = ({
  type,
  at,
  call,
  tool,
  request,
  policy,
  amounts,
  payment,
  outcome,
  evidence,
}: Entry): ReplayedCall | undefined => {
  const until = outcome?.['until'];
  const price = amountOf(amounts?.['price']);
  const asset = textOf(payment?.['asset']);
  const paidBy = PAID_BY.find((each) => each === payment?.['paidBy']);
  if (call === undefined || price === undefined || asset === undefined || paidBy === undefined) {
    return undefined;
  }
  return {
    ...{ id: call, tool, request, policy },
    at,
    asset: asset as AssetId,
    price,
    paidBy,
    creditTo: textOf(payment?.['creditTo']) as AccountId | undefined,
    grant: textOf(payment?.['grant']) as Hex | undefined,
    lender: textOf(payment?.['lender']) as Hex | undefined,
    state: type === 'call.parked' ? 'parked' : 'held',
    payment: paidBy === 'deferred' || paidBy === 'upfront' ? 'held' : 'none',
    fault: undefined,
    charged: 0n,
    refunded: 0n,
    heldIn: [],
    isApproved: false,
    until: type === 'call.parked' && typeof until === 'number' ? until : undefined,
    isKept: false,
    isBounced: false,
    isPermit: paidBy === 'deferred' && textOf(evidence?.['facilitator']) !== undefined,
    hasAnswer: false,
  };
};

/** What its payment moves, if it moves: a permit that pays after its tool moves the charge, once the tool has succeeded and charged. */
export const paymentAmount = (call: ReplayedCall): bigint =>
  call.isPermit && call.state === 'committed' && call.charged > 0n ? call.charged : call.price;

/** What its payment moves beyond the charge of a metered call: credit as soon as the payment has settled. */
export const restOf = (call: ReplayedCall): bigint =>
  call.state === 'committed' && (call.paidBy === 'deferred' || call.paidBy === 'upfront')
    ? paymentAmount(call) - call.charged
    : 0n;

/** Whether the call waits for its payment to settle before it may run. */
export const awaitsPayment = ({ state, paidBy, payment }: ReplayedCall): boolean =>
  state === 'held' && paidBy === 'upfront' && payment === 'held';

/** Whether its payment may still move, or its amount is held. */
export const isOpen = ({ state, payment, isKept }: ReplayedCall): boolean =>
  state === 'held' || state === 'parked' || isKept || payment === 'held' || payment === 'queued';

/** Whether the account holds its price. */
export const isHeld = ({ state, isKept }: ReplayedCall): boolean =>
  state === 'held' || state === 'parked' || isKept;

/** The amount of a call that counts in limits: its price while that is held, then its charge. */
export const countedOf = (call: ReplayedCall): bigint => (isHeld(call) ? call.price : call.charged);
