import { unreachable } from '../core/result.ts';
import type { FinalOutcome, SettlementMessage, SettlementOutcome } from '../protocol/payment.ts';
import type { ExpectedTransfer } from './chain/expected-transfer.ts';
import type { Observation } from './chain/observation.ts';
import type { QueueMessage } from './dead-letter.ts';
import type { SettlementTask, TaskResult } from './present/task.ts';

/**
 * Why a payment is observed. `settle`: its answer was delivered, so the payment is owed. `look`: it was released, so nothing is owed.
 * `upfront`: its tool waits for the settlement.
 */
export type Purpose = 'settle' | 'look' | 'upfront';

/**
 * Concludes the outcome of a payment from an observation; undefined while it is open: unconfirmed, unknown, or unused and not yet past
 * `validBefore` in a final block. No answer of a backend counts (law 5).
 */
export const conclude = (
  purpose: Purpose,
  payment: Pick<ExpectedTransfer, 'value' | 'validBefore' | 'facilitator'>,
  observation: Observation,
): FinalOutcome | undefined => {
  switch (observation.kind) {
    case 'settled': {
      const { transaction, block } = observation;
      return { outcome: 'settled', transaction, block };
    }
    case 'spent_otherwise':
    case 'cancelled':
      // No answer was delivered for a released payment, and its nonce can never move money to us: no debt.
      return purpose === 'look' ? { outcome: 'released' } : spent(payment, observation);
    case 'unused':
      return BigInt(observation.headTime) > payment.validBefore
        ? expired(purpose, payment, observation)
        : undefined;
    case 'unconfirmed':
    case 'unknown':
      return undefined;
    default:
      return unreachable(observation);
  }
};

type Spent = Extract<Observation, { readonly kind: 'spent_otherwise' | 'cancelled' }>;

/** Only the sender that the gateway chose can have moved less than a permit's charge: the loss is the gateway's, not the payer's. */
const faultOf = (
  { facilitator }: Pick<ExpectedTransfer, 'facilitator'>,
  { kind, transaction }: Spent,
): 'payer' | 'gateway' =>
  facilitator !== undefined && kind === 'spent_otherwise' && transaction !== undefined
    ? 'gateway'
    : 'payer';

const spent = (
  payment: Pick<ExpectedTransfer, 'facilitator'>,
  observation: Spent,
): FinalOutcome => ({
  outcome: 'failed',
  fault: faultOf(payment, observation),
  reason: observation.kind,
  ...(observation.transaction === undefined ? {} : { transaction: observation.transaction }),
});

/** How long after `validBefore` the payer's balance still shows whose fault it was, seconds. */
const BALANCE_COUNTS = 600n;

/** Unused forever. If the answer was delivered and the funds were there, the gateway presented too late: its loss, and no debt. */
const expired = (
  purpose: Purpose,
  { value, validBefore }: Pick<ExpectedTransfer, 'value' | 'validBefore'>,
  { balance, headTime }: Extract<Observation, { readonly kind: 'unused' }>,
): FinalOutcome => {
  if (purpose !== 'settle') return { outcome: 'released' };
  // Hours later, after an outage of the gateway, an empty wallet proves nothing about the deadline. Without proof the payer owes nothing.
  const isNear = BigInt(headTime) <= validBefore + BALANCE_COUNTS;
  return isNear && balance < value
    ? { outcome: 'failed', fault: 'payer', reason: 'unfunded' }
    : { outcome: 'failed', fault: 'gateway', reason: 'not_presented' };
};

/** A task with the queue message that brought it. */
export type Delivered = SettlementTask & {
  /** Of this message, and of the earlier ones that it continues. */
  readonly attempts: number;
  readonly message: QueueMessage;
  /** The payment as the message has it. */
  readonly body: SettlementMessage;
};

/** The result of a task, and the outcome for its account. */
export type Report = TaskResult<Delivered> & {
  readonly outcome: SettlementOutcome | undefined;
  readonly isFinal: boolean;
};

/** Returns the result to report to the account: the chain's conclusion, otherwise the bounce, otherwise the presentation. */
export const reportOf = (result: TaskResult<Delivered>): Report => {
  const { task, observation } = result;
  const final = conclude(task.kind, task.transfer, observation);
  return final === undefined
    ? { ...result, outcome: openOutcomeOf(result), isFinal: false }
    : { ...result, outcome: final, isFinal: true };
};

const openOutcomeOf = ({
  presented,
  bounced,
}: TaskResult<Delivered>): SettlementOutcome | undefined => {
  const backend = presented === undefined ? {} : { backend: presented.backend };
  if (bounced !== undefined) return { outcome: 'bounced', reason: bounced, ...backend };
  return presented === undefined ? undefined : { outcome: 'sent', backend: presented.backend };
};

/** Whether a backend has stored the payment. It reports the settlement to the account itself. */
export const isHandedOver = ({ presented }: Report): boolean => presented?.answer.kind === 'taken';
