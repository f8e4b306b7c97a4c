import type { Difference } from './difference.ts';
import type { ReconcileDeps } from './walk.ts';
import { chunks } from './window.ts';

/** Calls of one account that are looked at again for one window. */
const LOOKS = 50;

/**
 * Has accounts look again at payments of theirs that moved and are not settled there; not at those that none has accepted, of which
 * anybody can send any number. What they conclude is theirs: nothing but an account writes
 * what became of its money (law 5). One that cannot be reached is asked with the next run.
 */
export const mend = async (
  { account: accountOf }: Pick<ReconcileDeps, 'account'>,
  differences: readonly Difference[],
): Promise<void> => {
  const unrecorded = differences.filter(
    ({ kind, informational }) => kind === 'unrecorded' && !informational,
  );
  const accounts = Map.groupBy(unrecorded, ({ account }) => account);
  for (const [account, own] of accounts) {
    const calls = own.flatMap(({ call }) => call ?? []);
    for (const some of chunks(calls, LOOKS)) {
      try {
        const rechecked = await accountOf(account).recheck(some);
        if (rechecked.verdict === 'rechecking' && rechecked.calls.length > 0) {
          console.warn({ event: 'payments_looked_at', account, calls: rechecked.calls.length });
        }
      } catch (cause) {
        console.error({ event: 'look_failed', account, cause: String(cause) });
      }
    }
  }
};
