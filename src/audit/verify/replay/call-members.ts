import type { Entry, EntryType } from '../../../protocol/entry.ts';
import type { ReplayedCall } from './call.ts';
import type { StepFault } from './step.ts';

/** Members that entries of a type always have; others have them or not. */
const ALWAYS: Readonly<Partial<Record<EntryType, readonly string[]>>> = {
  'call.approved': ['policy'],
  'call.refused': ['policy', 'payment.paidBy', 'payment.asset'],
  'call.finished': ['policy', 'payment.paidBy'],
  'call.abandoned': ['payment.paidBy'],
  'call.refunded': ['payment.paidBy', 'payment.asset'],
};

/**
 * Compares what an entry about a call repeats of its acceptance. Without this, the money of a call could be shown as that of another tool,
 * and no sum would change.
 */
export const memberFaults = (call: ReplayedCall, entry: Entry): readonly StepFault[] => {
  const { type, tool, request, policy, payment = {} } = entry;
  const always = ALWAYS[type] ?? [];
  const differs = (field: string, stated: unknown, known: unknown): boolean =>
    stated === undefined ? always.includes(field) : stated !== known;
  // A refund may come long after the account has forgotten the call, so it names no request.
  const isRequest = request === call.request || (type === 'call.refunded' && request === undefined);
  const wrong = [
    ...(tool === call.tool ? [] : ['tool']),
    ...(isRequest ? [] : ['request']),
    ...(differs('policy', policy, call.policy) ? ['policy'] : []),
    ...(differs('payment.paidBy', payment['paidBy'], call.paidBy) ? ['payment.paidBy'] : []),
    ...(differs('payment.asset', payment['asset'], call.asset) ? ['payment.asset'] : []),
  ];
  return wrong.map((field) => ({ check: 'calls', reason: 'other_call', field }));
};
