import type { SettlementOutcome } from '../protocol/payment.ts';
import { conclude } from './conclude.ts';
import type { QueueMessage } from './dead-letter.ts';
import type { SettlementTask, TaskResult } from './present/task.ts';

/** A task with the queue message that brought it. */
export type Delivered = SettlementTask & {
  readonly attempts: number;
  readonly message: QueueMessage;
};

/** The result of a task, with what its account should store. */
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
