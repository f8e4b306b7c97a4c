import { type AlertRule, severityOf } from '../protocol/alert.ts';
import { alertTexts, alertVariants } from '../protocol/alert-words.ts';
import { formatDollars } from '../protocol/amount.ts';
import type { WebhookEvent } from './message.ts';

/** An alert in words. Plain text of one line each; `title` holds no text of others. */
export type AlertText = {
  readonly title: string;
  readonly what: string;
  readonly next: string;
  /** Severity, account, log entry and time. */
  readonly where: string;
};

const MAX_VALUE = 300;

/** Text of others on one line: no control characters, no change of direction (CWE-117). */
const clean = (value: unknown): string =>
  (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
    .replace(/[\s\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]+/g, ' ')
    .trim()
    .slice(0, MAX_VALUE);

/** Title, what happened and the next step of an alert. `own`: values that its detail lacks. An unknown kind gets the words of its rule. */
export const alertWords = (
  rule: AlertRule | undefined,
  detail: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, string>> = {},
): Omit<AlertText, 'where'> => {
  // One pass: braces in a value stay text.
  const filled = (text: string): string =>
    text.replace(/\{([$@]?)(\w+)\}/g, (_, mark: string, key: string) => {
      const value = clean(detail[key] ?? own[key]);
      if (mark === '@') return timeOf(Number(value));
      return mark === '$' && /^-?[0-9]+$/.test(value) ? formatDollars(BigInt(value)) : value;
    });
  const words = rule === undefined ? TEST : alertTexts[rule];
  const variant = clean(detail['kind'] ?? detail['reason'] ?? detail['source']);
  const others = (alertVariants[`${rule ?? ''} ${variant}`] ?? '').split('|');
  const [title = '', what = '', next = ''] = words
    .split('|')
    .map((text, at) => filled(others[at] || text));
  // The same text for the end of every outage: what failed, and since when.
  return detail['kind'] === 'ended'
    ? { title: `Over: ${title}`, what: filled(ENDED), next: 'Nothing to do.' }
    : { title, what, next };
};

/** Puts an event into words. `label`: the label of the alert's account, which the account's owner may have chosen. */
export const alertText = (event: WebhookEvent, label?: string): AlertText => {
  const { timestamp, data } = JSON.parse(event.body) as {
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  const { rule, account = '', seq } = event;
  const detail = (data['detail'] ?? {}) as Readonly<Record<string, unknown>>;
  const address = account.slice(account.lastIndexOf(':') + 1);
  const name = clean(label);
  const own: Readonly<Record<string, string>> = {
    account,
    webhook: clean(data['webhook']),
    who: name === '' ? address : `${name} (${address.slice(0, 6)}…${address.slice(-4)})`,
  };
  const { title, what, next } = alertWords(rule, detail, own);
  const where =
    rule === undefined
      ? timestamp
      : `${severityOf(rule, detail['kind'])}, ${account}, entry ${seq ?? ''}, ${timestamp}`;
  return data['truncated'] === true
    ? { title, what: TRUNCATED, next, where }
    : { title, what, next, where };
};

/** Names what failed. Values that the detail lacks are empty. */
const ENDED = 'It began at {@since}: {network} {backend}{tool}{queue}.';
const TEST = 'Test|The webhook {webhook} works.|Nothing to do.';
const TRUNCATED = 'The details are too long for a message: the log entry has them.';

const timeOf = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return seconds > 0 && !Number.isNaN(date.getTime())
    ? `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
    : 'never';
};
