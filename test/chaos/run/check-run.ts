import type { Hex } from 'viem';
import type { BookedCall } from '../support/account-records.ts';
import { type Aftermath, casesOf, sum, takesPayment } from './final-state.ts';
import { judgeLog, judgeMoney, judgeUnsolicited, unresolvedOf } from './check-accounts.ts';
import { judgeClients } from './check-clients.ts';
import { judgeExposure } from './check-exposure.ts';

/** What the invariants found, in atomic units and payments. */
export type Verdict = {
  readonly wrongs: readonly string[];
  readonly unresolved: number;
  readonly doublePaid: number;
  readonly ledgerMinusChain: bigint;
  readonly unpaidBeyondExposure: bigint;
};

/** Holds what was written against what the chain says, and what clients have heard and got (laws 3 to 7, 11). */
export const judgeAftermath = async (aftermath: Aftermath): Promise<Verdict> => {
  const { purchases, chain, balance } = aftermath;
  const wrongs: string[] = [];
  const cases = casesOf(aftermath);
  const moved = Map.groupBy(chain.moved, ({ nonce }) => nonce);
  const calls = new Map<Hex, BookedCall>(
    cases.flatMap(({ book }) => book.calls.filter(takesPayment).map((call) => [call.call, call])),
  );
  const unresolved = cases.flatMap((each) => unresolvedOf(each, wrongs)).length;
  for (const each of cases) {
    await judgeLog(each, wrongs);
    judgeMoney(each, moved, wrongs);
  }
  const unsolicited = chain.moved.filter(({ nonce }) => nonce === undefined || !calls.has(nonce));
  judgeUnsolicited(unsolicited, aftermath, wrongs);
  const settled = [...calls.values()].filter(({ payment }) => payment === 'settled');
  const ledger =
    sum(settled.map(({ price }) => price)) + sum(unsolicited.map(({ value }) => value));
  if (ledger !== balance) wrongs.push(`the ledger has ${ledger - balance} more than the chain`);
  return {
    wrongs,
    unresolved,
    doublePaid: judgeClients(purchases, calls, moved, wrongs),
    ledgerMinusChain: ledger - balance,
    unpaidBeyondExposure: judgeExposure(cases, purchases, wrongs),
  };
};
