import { formatDollars } from '../../protocol/amount.ts';
import { parseAddress } from '../../crypto/checksum.ts';
import type { PolicyDocument } from '../../management/policy.route.ts';
import { ANY_PAYEE } from '../../policy/rules/payees.ts';
import type { Input } from './command.ts';
import { usageError } from './errors.ts';
import { moneyIn } from './amounts.ts';
import { durationIn, timeIn } from './times.ts';

const NONE = 'none';

const NAMES = [
  'tools',
  'payees',
  'perCall',
  'perHour',
  'perDay',
  'perMonth',
  'lifetime',
  'unsettled',
  'rate',
  'repeat',
  'alert',
  'binding',
  'from',
  'until',
];

export const hasPolicyFlags = (input: Input): boolean =>
  NAMES.some((name) => input.text(name) !== undefined);

type Draft = { -readonly [K in keyof PolicyDocument]: PolicyDocument[K] };
type Field = keyof PolicyDocument;

/** A policy with what the options name changed, and nothing else. @throws CliError */
export const withFlags = (before: PolicyDocument, input: Input, now: number): PolicyDocument => {
  const draft: Draft = { ...before };
  const change = (option: string, field: Field, read: (text: string) => unknown): void => {
    const text = input.text(option);
    if (text === undefined) return;
    if (text === NONE) delete draft[field];
    else Object.assign(draft, { [field]: read(text) });
  };
  const money = (flag: string) => (text: string) => formatDollars(moneyIn(text, flag));
  const pair = (flag: string, example: string) => (text: string) => {
    const [, count = '', length = ''] =
      /^([1-9][0-9]{0,6})\/([0-9]{1,9}[smhdw]?)$/.exec(text) ?? [];
    const seconds = durationIn(length);
    if (seconds !== undefined) return [Number(count), seconds] as const;
    throw usageError(`${flag} takes a number in a time.`, `Give e.g. ${flag} ${example}.`);
  };

  change('tools', 'tools', listOf);
  change('payees', 'payees', (text) => listOf(text).map(payeeOf));
  change('perCall', 'perCall', money('--per-call'));
  change('lifetime', 'lifetime', money('--lifetime'));
  change('unsettled', 'exposure', money('--unsettled'));
  change('rate', 'rate', (text) => {
    const [limit, seconds] = pair('--rate', '60/60s')(text);
    return { limit, seconds };
  });
  change('repeat', 'repeat', (text) => {
    const [times, seconds] = pair('--repeat', '3/60s')(text);
    return { times, seconds };
  });
  change('alert', 'softPercent', percentOf);
  change('binding', 'binding', (text) => text);
  change('from', 'validFrom', (text) => timeIn(text, '--from', now));
  change('until', 'validUntil', (text) => timeIn(text, '--until', now));
  for (const [option, every] of [
    ['perHour', 'hour'],
    ['perDay', 'day'],
    ['perMonth', 'month'],
  ] as const) {
    const text = input.text(option);
    if (text === undefined) continue;
    // A window of one asset only is another limit, which nobody has named.
    const others = (draft.windows ?? []).filter(
      (window) => window.every !== every || window.asset !== undefined,
    );
    const flag = `--per-${every}`;
    draft.windows = text === NONE ? others : [...others, { every, limit: money(flag)(text) }];
  }
  return draft;
};

/** Names with commas between them; `none` alone is said by whoever reads the whole option. */
export const listOf = (text: string): string[] =>
  text === '' ? [] : text.split(',').map((item) => item.trim());

/** @throws CliError */
export const payeeOf = (text: string): `0x${string}` => {
  const payee = text === 'any' || text === '*' ? ANY_PAYEE : parseAddress(text);
  if (payee !== undefined) return payee;
  throw usageError('A payee is no address.', 'Give addresses with commas between them, or any.');
};

const percentOf = (text: string): number => {
  const [, digits] = /^([1-9][0-9]?)\s*%?$/.exec(text) ?? [];
  if (digits !== undefined) return Number(digits);
  throw usageError('--alert takes a percentage from 1 to 99.', 'Give e.g. --alert 80.');
};
