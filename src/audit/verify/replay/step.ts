import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedAccount } from './account.ts';
import type { ReplayedCall } from './call.ts';

/** A false statement of an entry about a call or about money. */
export type StepFault = {
  readonly check: 'calls' | 'payments';
  readonly reason:
    | 'unknown_call'
    | 'accepted_twice'
    | 'wrong_transition'
    | 'other_call'
    | 'wrong_amount'
    | 'wrong_credit'
    | 'wrong_grant'
    | 'malformed';
  readonly field?: string;
};

/**
 * The account and the call after an entry. A fault does not end the replay, which continues with the statements of the entry where
 * possible.
 */
export type Step = {
  readonly account: ReplayedAccount;
  readonly call?: ReplayedCall | undefined;
  readonly faults: readonly StepFault[];
};

/** An entry about a known call. */
export type CallEntry = {
  readonly account: ReplayedAccount;
  readonly call: ReplayedCall;
  readonly entry: Entry;
};

/** Refuses an entry that may not follow the call's state: nothing moves. */
export const refuse = (
  { account, call }: Pick<CallEntry, 'account' | 'call'>,
  field: string,
): Step => ({
  account,
  call,
  faults: [{ check: 'calls', reason: 'wrong_transition', field }],
});

/** Compares amounts of an entry with those of the replay. */
export const amountFaults = (
  { amounts = {} }: Entry,
  expected: Readonly<Record<string, bigint | undefined>>,
): readonly StepFault[] =>
  Object.entries(expected).flatMap(([name, amount]): readonly StepFault[] =>
    amounts[name] === amount?.toString()
      ? []
      : [{ check: 'payments', reason: 'wrong_amount', field: `amounts.${name}` }],
  );

/** Compares `payment.state` with the replayed state; the log does not show whether a queued payment had already been presented. */
export const stateFaults = (
  { payment }: Entry,
  state: ReplayedCall['payment'],
): readonly StepFault[] =>
  payment?.['state'] === state || (state === 'queued' && payment?.['state'] === 'sent')
    ? []
    : [{ check: 'calls', reason: 'wrong_transition', field: 'payment.state' }];
