import type { LookUpVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { withoutUndefined } from '../../../src/core/without-undefined.ts';
import type { ApprovalStatus, CallStatus, LookUp } from '../../../src/protocol/account/call.ts';
import type { Reader } from '../../store/query.ts';
import { transferWith } from '../commands/transfer.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type CallRecord, isReduced } from './call-record.ts';
import { isStale, withFacts } from './payer-facts.ts';
import { paidFrom } from './permit.ts';
import { bindingOf } from './repeat.ts';

/**
 * Returns what became of a call to its payer, whose signature the gateway has checked. Reads only: it reserves, writes and counts
 * nothing, so asking is free. The contract of an account with code must have verified the question (ERC-1271). Chain facts are kept for
 * the next question, in memory alone.
 */
export const lookUp = (
  state: AccountState,
  record: CallRecord | undefined,
  question: LookUp,
  { now, read }: Pick<Context, 'now' | 'read'>,
): Decision<LookUpVerdict> => {
  // Law 12: a question about an unknown call costs no look at the chain.
  if (record === undefined || isReduced(record)) {
    return unchanged(state, { verdict: 'unknown_call' });
  }
  const asker = checkAsker(state, question, now);
  return asker.refusal === undefined
    ? unchanged(asker.state, {
        verdict: 'found',
        status: statusOf(record, refundedOf(read, record)),
      })
    : unchanged(asker.state, { verdict: asker.refusal });
};

/** Whether a key may ask for its account. The contract of an account with code must have verified the question (ERC-1271). */
export const checkAsker = (
  state: AccountState,
  { facts, contractCheckedAt }: Pick<LookUp, 'facts' | 'contractCheckedAt'>,
  now: number,
): { readonly state: AccountState; readonly refusal?: 'stale_payer' | 'contract_only' } => {
  const informed = facts === undefined ? state : withFacts(state, facts);
  if (contractCheckedAt !== undefined) return { state: informed };
  if (isStale(informed, now)) return { state: informed, refusal: 'stale_payer' };
  if (!informed.hasCode) return { state: informed };
  return { state: informed, refusal: facts === undefined ? 'stale_payer' : 'contract_only' };
};

/** What operators gave back of the call's charge. */
const refundedOf = (read: Reader, { id, asset }: CallRecord): bigint =>
  transferWith(read, id, asset).received;

const statusOf = (record: CallRecord, refunded: bigint): CallStatus => ({
  call: record.id,
  tool: record.tool,
  request: record.request,
  binding: bindingOf(record),
  ...audienceOf(record),
  state: record.state,
  asset: record.asset,
  price: record.price,
  charged: record.charged,
  ...(refunded === 0n ? {} : { refunded }),
  paidFrom: paidFrom(record),
  payment: record.payment,
  ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
  acceptedAt: record.acceptedAt,
  entry: record.acceptedEntry,
  policy: record.policy,
  ...(record.answer === undefined ? {} : { answer: record.answer }),
  ...withoutUndefined({ approval: approvalOf(record) }),
});

/** Whether and how a person decided on the call. */
const approvalOf = (record: CallRecord): ApprovalStatus | undefined => {
  const parked = record.entries.find(({ type }) => type === 'call.parked');
  const until = parked?.outcome?.['until'];
  if (record.park === undefined || typeof until !== 'number') return undefined;
  if (record.state === 'parked') {
    return { state: record.park.approved === undefined ? 'waiting' : 'approved', until };
  }
  const ended = record.entries.find(({ type }) => type === 'call.refused');
  if (ended === undefined) return { state: 'used', until };
  return { state: ended.decision === 'refused' ? 'refused' : 'expired', until };
};

const audienceOf = (record: CallRecord): { readonly audience?: string } => {
  const accepted = record.entries.find(
    ({ type }) => type === 'call.accepted' || type === 'call.parked',
  );
  const audience = accepted?.evidence?.['audience'];
  return typeof audience === 'string' ? { audience } : {};
};
