import type { Hex } from 'viem';
import type { RecordedCall } from '../support/account-records.ts';
import { type FinalState, recordedKeysOf, sum, takesPayment } from './final-state.ts';
import { checkLog, checkMoney, checkUnsolicited, unresolvedOf } from './check-accounts.ts';
import { checkClients } from './check-clients.ts';
import { checkExposure } from './check-exposure.ts';

/** Broken invariants of a run, with counts of payments and sums in atomic units. */
export type CheckResult = {
  readonly violations: readonly string[];
  readonly unresolved: number;
  readonly doublePaid: number;
  readonly ledgerMinusChain: bigint;
  readonly unpaidBeyondExposure: bigint;
};

/** Compares account records, chain, and what clients received (laws 3 to 7 and 11). */
export const checkFinalState = async (state: FinalState): Promise<CheckResult> => {
  const { purchases, chain, balance } = state;
  const violations: string[] = [];
  const cases = recordedKeysOf(state);
  const moved = Map.groupBy(chain.moved, ({ nonce }) => nonce);
  const calls = new Map<Hex, RecordedCall>(
    cases.flatMap(({ record }) =>
      record.calls.filter(takesPayment).map((call) => [call.call, call]),
    ),
  );
  const unresolved = cases.flatMap((each) => unresolvedOf(each, violations)).length;
  for (const each of cases) {
    await checkLog(each, violations);
    checkMoney(each, moved, violations);
  }
  const unsolicited = chain.moved.filter(({ nonce }) => nonce === undefined || !calls.has(nonce));
  checkUnsolicited(unsolicited, state, violations);
  const settled = [...calls.values()].filter(({ payment }) => payment === 'settled');
  const ledger =
    sum(settled.map(({ price }) => price)) + sum(unsolicited.map(({ value }) => value));
  if (ledger !== balance)
    violations.push(`the ledger minus the balance of payTo is ${ledger - balance}, not 0`);
  return {
    violations,
    unresolved,
    doublePaid: checkClients(purchases, calls, moved, violations),
    ledgerMinusChain: ledger - balance,
    unpaidBeyondExposure: checkExposure(cases, purchases, violations),
  };
};
