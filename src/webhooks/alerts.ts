import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { MarkRejected } from '../settlement/telemetry.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

/** Makes an account record an alert. False if the account did not answer. */
export type Raise = (account: AccountId, alert: AlertBody) => Promise<boolean>;

/** Returns a function that raises alerts. An alert that the account refuses is logged and dropped. */
export const raiser =
  (env: Env): Raise =>
  async (account, alert) => {
    try {
      const { verdict } = await objectOf(env, env.AGENT_ACCOUNT, account).apply({
        kind: 'alert',
        alert,
      });
      if (verdict === 'refused') console.error({ event: 'alert_refused', account, ...alert });
      return verdict !== 'unavailable';
    } catch (cause) {
      console.error({ event: 'alert_unraised', account, rule: alert.rule, cause: String(cause) });
      return false;
    }
  };

/** How often an isolate raises the same alert. The account ignores repeats from other isolates. */
const ALERT_EVERY: Seconds = 3_600;

/** Raises the alert `backend` in the gateway's own account, once an hour per backend. Never throws. */
export const openBackendAlert = (
  self: AccountId,
  raise: Raise,
): ((event: MarkRejected, now: Seconds) => Promise<void>) => {
  const raised = new Map<string, Seconds>();
  return async ({ network, backend, error }, now) => {
    const key = `${network} ${backend}`;
    if (now < (raised.get(key) ?? 0) + ALERT_EVERY) return;
    raised.set(key, now);
    const detail = { network, backend, kind: 'rejects_bound', error };
    if (!(await raise(self, { rule: 'backend', detail }))) raised.delete(key);
  };
};
