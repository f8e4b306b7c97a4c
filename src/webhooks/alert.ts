import type { AlertBody } from '../protocol/account/tree-contract.ts';
import type { Entry } from '../protocol/entry.ts';
import { ALERT_RULES } from '../management/webhook.ts';

export type AlertRule = AlertBody['rule'];

export const RULES: readonly [AlertRule, ...AlertRule[]] = ALERT_RULES;

/** The rule of an entry that is an alert; undefined for every other entry. */
export const alertRuleOf = (entry: Pick<Entry, 'type' | 'rule'>): AlertRule | undefined =>
  entry.type === 'alert.raised' ? RULES.find((rule) => rule === entry.rule) : undefined;
