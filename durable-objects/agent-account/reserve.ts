import { evaluate } from '../../src/policy/evaluate.ts';
import { windowName } from '../../src/policy/window.ts';
import type { Call, Denial, Evidence, ReserveVerdict } from './contract.ts';
import { append, changed, type Context, type Decision, unchanged } from './decision.ts';
import { deny } from './denial.ts';
import { evidenceOf } from './evidence.ts';
import { fund, withFacts } from './funds.ts';
import * as money from './money.ts';
import { HOLD_GRACE, permit, SETTLE_LEASE } from './permit.ts';
import type { CallRecord } from './record.ts';
import { repeat } from './repeat.ts';
import { type AccountState, purseOf } from './state.ts';

/**
 * Claims a call: call id, every limit, the hold on the money and the record, in one decision (laws 2, 3, 6, 7).
 * Pure. A call that is known already is `repeat`'s; a denial never claims the id.
 */
export const reserve = (
  state: AccountState,
  record: CallRecord | undefined,
  call: Call,
  attempt: `0x${string}`,
  evidence: Evidence,
  context: Context,
): Decision<ReserveVerdict> => {
  if (record !== undefined) return repeat(state, record, call, attempt, evidence, context);
  // §4.6: an expired proof may look up, never execute.
  if (!call.execute) return unchanged(state, { verdict: 'expired' });

  const informed = evidence.facts === undefined ? state : withFacts(state, evidence.facts);
  const refuse = (denial: Omit<Denial, 'account' | 'policy'>) =>
    deny(
      informed,
      call,
      { ...denial, account: state.account, policy: context.policyHash },
      context,
    );

  const usage = usageOf(informed, call);
  // A top-up spends nothing: its money is counted when calls are paid from it. Only the rate is the same.
  const spends = call.topUp === undefined ? call.price : 0n;
  const allowed = evaluate(context.policy, usage, spends, context.now);
  // What no amount of money would change is said first, before anybody is asked for facts.
  if (!allowed.allowed)
    return refuse({ ...allowed, retryAllowed: allowed.retryAfter !== undefined });

  const funding = fund(informed, call, evidence, context.policy, context.now);
  if (!funding.funded) {
    return funding.stale ? unchanged(state, { verdict: 'stale_payer' }) : refuse(funding.denial);
  }

  const runsNow = funding.paidBy !== 'upfront';
  const draft: CallRecord = {
    id: call.call,
    request: call.request,
    tool: call.tool,
    attempt,
    state: 'held',
    payment: funding.paidBy === 'deferred' || funding.paidBy === 'upfront' ? 'held' : 'none',
    paidBy: funding.paidBy,
    onSilence: call.onSilence,
    timeoutSeconds: call.timeoutSeconds,
    asset: call.asset,
    price: call.price,
    charged: 0n,
    acceptedAt: context.now,
    dispatchedAt: runsNow ? context.now : 0,
    holdUntil: context.now + (runsNow ? call.timeoutSeconds + HOLD_GRACE : SETTLE_LEASE),
    validBefore: call.validBefore,
    sinceBlock: informed.factsBlock,
    looked: false,
    identifier: call.identifier,
    transaction: undefined,
    // §4.4: paid from credit, the authorization is dropped; nobody can present it from here.
    held: funding.paidBy === 'deferred' || funding.paidBy === 'upfront' ? call.payment : undefined,
    topUp: call.topUp?.to,
    answer: undefined,
    acceptedEntry: state.head.hash,
    finishedEntry: undefined,
    policy: context.policyHash,
    windows:
      call.topUp === undefined ? context.policy.windows.map(({ every }) => windowName(every)) : [],
    entries: [],
  };
  const reserved = money.reserve({ ...informed, arrival: allowed.arrival }, draft);
  const entered = append(reserved, draft, context, {
    type: 'call.accepted',
    binding: call.binding,
    evidence: evidenceOf(call),
    decision: runsNow ? 'go' : 'settle',
    policy: context.policyHash,
    amounts: { price: call.price.toString() },
    payment: {
      asset: call.asset,
      payTo: call.payTo,
      paidBy: funding.paidBy,
      ...(call.topUp === undefined ? {} : { creditTo: call.topUp.to }),
    },
  });
  const accepted: CallRecord = { ...entered.record, acceptedEntry: entered.hash };
  return changed(entered.state, accepted, permit(entered.state, accepted, context));
};

const usageOf = (state: AccountState, call: Call) => ({
  account: state.account,
  windows: purseOf(state, call.asset).windows,
  arrival: state.arrival,
});
