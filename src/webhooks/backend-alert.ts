import type { AlertBody } from '../protocol/account/alert.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { MarkRejected } from '../settlement/telemetry.ts';

/** How often an isolate raises the same alert. The account ignores repeats of other isolates. */
const AGAIN: Seconds = 3_600;

/** Raises the alert `backend` in the gateway's own account, once an hour for each backend; never throws. */
export const openBackendAlert = (
  self: AccountId,
  raise: (account: AccountId, alert: AlertBody) => Promise<boolean>,
): ((event: MarkRejected, now: Seconds) => Promise<void>) => {
  const raised = new Map<string, Seconds>();
  return async ({ network, backend, error }, now) => {
    const key = `${network} ${backend}`;
    if (now < (raised.get(key) ?? 0) + AGAIN) return;
    raised.set(key, now);
    const detail = { network, backend, kind: 'rejects_bound', error };
    if (!(await raise(self, { rule: 'backend', detail }))) raised.delete(key);
  };
};
