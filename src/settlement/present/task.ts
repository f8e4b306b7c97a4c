import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, Network } from '../../protocol/account-id.ts';
import type { BounceReason, Payment } from '../../protocol/payment.ts';
import type { BackendAnswer } from '../backends/backend.ts';
import type { ExpectedTransfer } from '../chain/expected-transfer.ts';
import type { Observation } from '../chain/observation.ts';

/** The work of one message of the settlement queue: which transfer to look for and, for `settle`, which payment to present. */
export type SettlementTask = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly network: Network;
  readonly transfer: ExpectedTransfer;
  readonly acceptedAt: Seconds;
} & (
  | { readonly kind: 'settle'; readonly payment: Payment }
  | { readonly kind: 'look'; readonly payment?: undefined }
);

/** How often the message was delivered: each delivery starts at another backend. */
export type WithAttempts = { readonly attempts: number };

/** A task after one round. */
export type TaskResult<T extends SettlementTask> = {
  readonly task: T;
  readonly observation: Observation;
  /** The last presentation of this round. Whatever the answer, the payment may have been broadcast. */
  readonly presented?: { readonly backend: string; readonly answer: BackendAnswer };
  /** Our own node shows that the payment cannot be presented now, for a reason of its payer. */
  readonly bounced?: BounceReason;
  /** The last backend that certainly did not present it, and why. */
  readonly declined?: { readonly backend: string; readonly why: string };
};

/** Identifies a payment across messages: a queue may deliver it twice in one batch. */
export const paymentKey = ({ network, transfer }: SettlementTask): string =>
  `${network} ${transfer.facilitator === undefined ? transfer.token : 'permit2'} ${transfer.payer} ${transfer.nonce}`;
