import type { Entry } from '../protocol/entry.ts';
import { ALERT_RULES, type AlertRule } from '../protocol/webhook.ts';

export type { AlertRule };

export const RULES: readonly [AlertRule, ...AlertRule[]] = ALERT_RULES;

/** The rule of an entry that is an alert; undefined for every other entry. */
export const alertRuleOf = (entry: Pick<Entry, 'type' | 'rule'>): AlertRule | undefined =>
  entry.type === 'alert.raised' ? RULES.find((rule) => rule === entry.rule) : undefined;
