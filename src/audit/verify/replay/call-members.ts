import type { Entry } from '../../../protocol/entry.ts';
import { declarationOf } from '../../../protocol/log/entry-types.ts';
import type { ReplayedCall } from './call.ts';
import type { StepFault } from './step.ts';

/**
 * Compares the members that an entry about a call repeats from its acceptance. Without this, the money of a call could be shown as that of
 * another tool, and no sum would change.
 */
export const memberFaults = (call: ReplayedCall, entry: Entry): readonly StepFault[] => {
  const { type, tool, request, policy, payment = {} } = entry;
  const { repeats = [] } = declarationOf(type);
  const differs = (field: (typeof repeats)[number], stated: unknown, known: unknown): boolean =>
    stated === undefined ? repeats.includes(field) : stated !== known;
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
