import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { put } from '../../store/noun.ts';
import { mayDecide } from '../call/approvers.ts';
import type { CallRecord } from '../call/call-record.ts';
import { CALL } from '../call/stored-call.ts';
import { endParked } from '../call/expire.ts';
import { append, type Context, type Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { applied, commandEvidence, refused } from './command-answer.ts';

type ApprovalCommand = Extract<AccountCommand, { readonly kind: 'approval' }>;

const MAX_REASON = 1_000;

/**
 * Records the decision of a person on a parked call, with the person's signature (law 11). Of two decisions at once the first counts; only
 * a refusal may follow an approval, as long as the call has not run. An approval runs nothing: the caller repeats its request.
 */
export const decideApproval = (
  state: AccountState,
  record: CallRecord | undefined,
  { decision, reason, by, intent }: ApprovalCommand,
  context: Context,
): Decision<CommandVerdict> => {
  if (record?.park === undefined) return refused(state, { reason: 'unknown_call' });
  const { park } = record;
  if (!mayDecide(state, park, by)) return refused(state, { reason: 'forbidden' });
  const obstacle = obstacleTo(record, decision, context);
  if (obstacle !== undefined) return refused(state, { reason: 'not_writable', hint: obstacle });
  const evidence = commandEvidence(intent, by);
  if (decision === 'refused') {
    const text = reason?.slice(0, MAX_REASON).toWellFormed();
    const ended = endParked(state, record, { decision, evidence }, context, text);
    return { ...applied(ended.state), writes: [put(CALL, ended.record)] };
  }
  const approved: CallRecord = { ...record, park: { ...park, approved: by } };
  const entered = append(state, approved, context, {
    type: 'call.approved',
    decision,
    rule: 'approval',
    policy: record.policy,
    amounts: { price: record.price.toString() },
    outcome: { until: record.holdUntil },
    evidence,
  });
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

const obstacleTo = (
  { state, park, holdUntil, entries }: CallRecord,
  decision: ApprovalCommand['decision'],
  { now }: Context,
): string | undefined => {
  if (state === 'parked') {
    if (now >= holdUntil) return 'Its time has expired. Its caller must send a new call.';
    return decision === 'approved' && park?.approved !== undefined
      ? 'It has been approved already. Its caller may run it.'
      : undefined;
  }
  const ended = entries.find(({ type }) => type === 'call.refused')?.decision;
  return ended === undefined
    ? 'It has been approved, and its caller has run it.'
    : `It has been ${ended} already.`;
};
