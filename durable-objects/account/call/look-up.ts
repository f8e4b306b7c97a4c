import type { LookUpVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { withoutUndefined } from '../../../src/core/without-undefined.ts';
import type {
  ApprovalStatus,
  CallStatus,
  EndedAnswer,
} from '../../../src/protocol/account/call.ts';
import type { Reader } from '../../store/query.ts';
import { transferWith } from '../commands/transfer.ts';
import { type Context, type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { type CallRecord, isReduced } from './call-record.ts';
import { paidFrom } from './permit.ts';
import { answerOf, bindingOf } from './repeat.ts';

/**
 * Returns the outcome of a call to its payer, whose signature the gateway has verified. It only reads: it reserves, writes and counts
 * nothing, so it is free.
 */
export const lookUp = (
  state: AccountState,
  record: CallRecord | undefined,
  { read }: Pick<Context, 'read'>,
): Decision<LookUpVerdict> =>
  unstored(
    state,
    record === undefined || isReduced(record)
      ? { verdict: 'unknown_call' }
      : { verdict: 'found', status: statusOf(state, record, refundedOf(read, record)) },
  );

/** How much of the call's charge operators have refunded. */
const refundedOf = (read: Reader, { id, asset }: CallRecord): bigint =>
  transferWith(read, id, asset).received;

const statusOf = (state: AccountState, record: CallRecord, refunded: bigint): CallStatus => ({
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
  ...withoutUndefined({
    answer: answerOf(state, record),
    ended: endedOf(record),
    approval: approvalOf(record),
    trace: record.trace,
  }),
});

/** Reads the answer from the entry that ended the call. */
const endedOf = ({ entries }: CallRecord): EndedAnswer | undefined => {
  const outcome = entries.find(({ type }) => type === 'call.finished')?.outcome;
  if (outcome?.['digest'] === undefined || outcome['digest'] === 'none') return undefined;
  const { status, digest, basis, usage } = outcome as unknown as EndedAnswer;
  const end = (['truncated', 'timeout'] as const).find((reason) => reason === outcome['reason']);
  return { status, digest, ...withoutUndefined({ end, basis, usage }) };
};

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
