import type { Seconds } from '../../../src/core/clock.ts';
import { remainingLimits } from '../../../src/policy/evaluate.ts';
import { amounts } from '../../../src/policy/rule.ts';
import type { Accepted, ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import type { Context } from '../decision.ts';
import { purseOf } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { ownSources } from '../tree/sources.ts';
import type { CallRecord } from './call-record.ts';

/** A hold lives this much longer than the tool may take; then the alarm abandons the call. */
export const HOLD_GRACE: Seconds = 60;

/** How long one attempt may settle an upfront payment before another attempt may take over. */
export const SETTLE_LEASE: Seconds = 90;

/** The verdict for an accepted call: run the tool, or settle first. The same attempt gets it again. */
export const permit = (
  state: AccountState,
  record: CallRecord,
  context: Context,
): ReserveVerdict => {
  const accepted: Accepted = {
    entry: record.acceptedEntry,
    policy: record.policy,
    charged: record.price,
    paidFrom: paidFrom(record),
    ...(record.transaction === undefined ? {} : { transaction: record.transaction }),
    limits: limitsOf(state, record, context),
  };
  return record.dispatchedAt > 0
    ? { verdict: 'go', ...accepted }
    : { verdict: 'settle', sinceBlock: record.sinceBlock, ...accepted };
};

export const paidFrom = ({ paidBy }: CallRecord): Accepted['paidFrom'] => PAID_FROM[paidBy];

const PAID_FROM: Readonly<Record<CallRecord['paidBy'], Accepted['paidFrom']>> = {
  deferred: 'payment',
  upfront: 'payment',
  credit: 'credit',
  lent: 'credit',
  free: 'none',
  card: 'card',
};

/** The account's remaining limits, and its credit if it has some: the agent learns here that it can pay from credit. */
export const limitsOf = (
  state: AccountState,
  { asset, grant }: Pick<CallRecord, 'asset' | 'grant'>,
  context: Context,
): Accepted['limits'] => {
  const { credit, creditHeld, creditLent } = purseOf(state, asset);
  const by = state.held.find((each) => each.grant.hash === grant);
  return [
    ...remainingLimits(ownSources(state, asset, by, context), context.now),
    ...(credit > 0n ? [amounts('credit', credit, 0n, creditHeld + creditLent)] : []),
  ];
};
