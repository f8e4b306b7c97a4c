import type { AlertRule } from '../../protocol/alert.ts';
import { type AlertGroup, alertTopics } from '../../protocol/alert-words.ts';
import { shown, worded } from './text.ts';

type Alert = readonly [rule: AlertRule, when: string];

const ALERTS = Object.entries(alertTopics).map(([rule, { when }]): Alert => [
  rule as AlertRule,
  when,
]);

/** Every alert, by the part of the gateway that a person should check. */
export const ALERT_GROUPS: readonly {
  readonly name: AlertGroup;
  readonly alerts: readonly Alert[];
}[] = [...new Set(Object.values(alertTopics).map(({ group }) => group))].map((name) => ({
  name,
  alerts: ALERTS.filter(([rule]) => alertTopics[rule].group === name),
}));

/** The sentence for an alert that was raised. @param rule of its entry: the gateway may know alerts that this page does not */
export const alertText = (rule = ''): string =>
  ALERTS.find(([known]) => known === rule)?.[1] ?? shown(worded(rule));
