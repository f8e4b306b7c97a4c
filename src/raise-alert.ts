import type { AlertBody } from './protocol/alert.ts';
import type { AccountId } from './protocol/account-id.ts';

/** Makes an account record an alert. False if the account did not answer. */
export type Raise = (account: AccountId, alert: AlertBody) => Promise<boolean>;

/** Returns a function that raises alerts. An alert that the account refuses is logged and dropped. */
export const raiser =
  (env: Env): Raise =>
  async (account, alert) => {
    try {
      const { verdict } = await env.AGENT_ACCOUNT.getByName(account).apply({
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
