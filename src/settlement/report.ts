import type { QueueMessage } from './dead-letter.ts';
import type { SettlementTask } from './message.ts';
import type { SettlementOutcome } from '../protocol/payment.ts';
import type { Seen } from './present/task.ts';
import { outcomeOf } from './conclude.ts';

export type Delivered = SettlementTask & {
  readonly attempts: number;
  readonly message: QueueMessage;
};

/** What a task's account is told, if anything, and whether its message is done with. */
export type Report = Seen<Delivered> & {
  readonly outcome: SettlementOutcome | undefined;
  readonly isFinal: boolean;
};

/** What a round means for an account: what the chain has decided, else that the payment bounced, else that it was presented. */
export const reportOf = (seen: Seen<Delivered>): Report => {
  const final = outcomeOf(seen.task.kind, seen.task.look, seen.view);
  if (final !== undefined) return { ...seen, outcome: final, isFinal: true };
  return { ...seen, outcome: openOutcomeOf(seen), isFinal: false };
};

const openOutcomeOf = ({ presented, bounced }: Seen<Delivered>): SettlementOutcome | undefined => {
  const backend = presented === undefined ? {} : { backend: presented.backend };
  if (bounced !== undefined) return { outcome: 'bounced', reason: bounced, ...backend };
  return presented === undefined ? undefined : { outcome: 'sent', backend: presented.backend };
};

/** Our relayer has stored it, and tells the account itself when it is final. */
export const isHandedOver = ({ presented }: Report): boolean => presented?.said.kind === 'taken';
