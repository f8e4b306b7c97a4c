import type { AssetId } from '../protocol/account-id.ts';
import { type FieldKind, type FieldKinds, fieldWords } from './field-words.ts';
import type { Policy } from './policy.ts';
import type { Condition } from './rules/conditions.ts';
import { ANY_PAYEE } from './rules/payees.ts';
import { periodName } from './window.ts';

/** A rule of a policy for people: what it limits, and its value. */
export type PolicyLine = readonly [name: string, value: string];

/** How a page or the command prints the parts of a policy's lines. */
export type LineStyle = {
  readonly asset: (asset: AssetId) => string;
  /** Only for a window of one asset. */
  readonly amount: (amount: bigint, asset: AssetId) => string;
  /** @param assets of the policy; undefined if it allows all */
  readonly money: (
    amount: bigint,
    kind: 'price' | 'sum' | 'tokens',
    assets: Policy['assets'],
  ) => string;
  readonly time: (seconds: number) => string;
};

const EVERY_FIELD = Object.keys(fieldWords) as readonly (keyof Policy)[];

/**
 * A policy in words and amounts, one rule a line, the most used first.
 *
 * @param fields all by default: a field that a page leaves out could hide a change
 */
export const policyLines = (
  policy: Policy,
  style: LineStyle,
  fields = EVERY_FIELD,
): readonly PolicyLine[] => {
  const print = printersOf(policy, style);
  return fields.flatMap((field) => {
    const { label, kind } = fieldWords[field];
    const value = policy[field];
    if (value === undefined) return [];
    const text = (print[kind] as (value: unknown, label: string) => string | readonly PolicyLine[])(
      value,
      label,
    );
    return typeof text === 'string' ? [[label, text]] : text;
  });
};

type Printers = {
  readonly [K in FieldKind]: (
    value: FieldKinds[K],
    label: string,
  ) => string | readonly PolicyLine[];
};

/** The value of a field, by its kind; lines with names of their own for a list of rules. */
const printersOf = ({ assets }: Policy, style: LineStyle): Printers => ({
  tools: listed,
  payees: (payees) => listed(payees.map((payee) => (payee === ANY_PAYEE ? 'any' : payee))),
  assets: (all) => listed(all.map(style.asset)),
  price: (amount) => style.money(amount, 'price', assets),
  sum: (amount) => style.money(amount, 'sum', assets),
  tokens: (amount) => style.money(amount, 'tokens', assets),
  windows: (windows) =>
    windows.map(({ every, limit, asset }) =>
      asset === undefined
        ? [periodName(every), style.money(limit, 'sum', assets)]
        : [`${periodName(every)} in ${style.asset(asset)}`, style.amount(limit, asset)],
    ),
  rate: ({ limit, seconds }) => `${limit} ${periodName(seconds)}`,
  repeat: ({ times, seconds }) => `${times} times ${periodName(seconds)}`,
  percent: (percent) => `${percent} % of a limit`,
  duration: (seconds) => `${seconds} seconds at most`,
  time: style.time,
  binding: (weakest) => (weakest === 'intent' ? 'bound to their request only' : UNBOUND),
  conditions: (conditions, label) =>
    conditions.map((each, at) => [`${label} (${at + 1})`, conditionText(each)]),
});

const UNBOUND = 'bound to their request, or not';

const listed = (texts: readonly string[]): string =>
  texts.length === 0 ? 'none' : texts.map((text) => (text === '*' ? 'all' : text)).join(', ');

const conditionText = ({ tools, param, op, value }: Condition): string => {
  const where = param === undefined ? '' : ` where ${param} ${op ?? ''} ${JSON.stringify(value)}`;
  return (tools === undefined ? 'any tool' : tools.join(', ')) + where;
};

/** A rule that two policies do not share. `before` or `after` is undefined if that policy sets no such rule. */
export type PolicyDifference = {
  readonly name: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
};

/** The rules that two policies do not share; an absent policy counts as one without rules. */
export const policyDifferences = (
  before: Policy | undefined,
  after: Policy | undefined,
  style: LineStyle,
): readonly PolicyDifference[] => {
  const old = new Map(before === undefined ? [] : policyLines(before, style));
  const now = new Map(after === undefined ? [] : policyLines(after, style));
  return [...new Set([...now.keys(), ...old.keys()])]
    .map((name) => ({ name, before: old.get(name), after: now.get(name) }))
    .filter((line) => line.before !== line.after);
};

/** The text for a policy without such a line. */
export const absentText = (name: string): string =>
  Object.values<{ readonly label: string; readonly absent?: string }>(fieldWords).find(
    ({ label }) => label === name,
  )?.absent ?? 'no limit';
