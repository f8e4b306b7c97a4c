import type { AlertBody } from '../../durable-objects/agent-account/tree-contract.ts';
import type { Entry } from '../audit/entry.ts';
import { ALERT_RULES } from '../management/webhook.ts';

export type AlertRule = AlertBody['rule'];

export const RULES: readonly [AlertRule, ...AlertRule[]] = ALERT_RULES;

/** The rule of an entry that is an alert; undefined for every other entry. */
export const alertRuleOf = (entry: Pick<Entry, 'type' | 'rule'>): AlertRule | undefined =>
  entry.type === 'alert.raised' ? RULES.find((rule) => rule === entry.rule) : undefined;
