import { formatDollars } from '../../protocol/amount.ts';
import type { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import type { Style } from './output.ts';
import { fields } from './table.ts';
import { lasting, printable, wrapped } from './text.ts';

const MONEY_RULES = new Set([
  'per_call',
  'window',
  'lifetime',
  'exposure',
  'balance',
  'credit',
  'debt',
  'suspended',
  'penniless',
]);
const MONEY = new Set(['limit', 'spent', 'held', 'remaining', 'price']);

/** Names as people read them. */
const LABELS: Readonly<Record<string, string>> = {
  remaining: 'left',
  resets_at: 'resets',
  retry_after: 'retry in',
  retry_allowed: 'may retry',
  log_index: 'log index',
};

/** An error for people: what, the facts of it, what to do next. */
export const errorText = (error: CliError, width: number, style: Style, now: number): string => {
  const facts = fields(
    Object.entries(error.details).map(([name, value]) => [
      `  ${LABELS[name] ?? name.replaceAll('_', ' ')}`,
      factOf(name, value, error.details, now),
    ]),
    style.dim,
    width,
  );
  return [
    // Whoever stops it has made no mistake.
    error.exit === EXIT.cancelled
      ? style.dim(printable(error.message))
      : wrapped(`${style.bad('error')}  ${printable(error.message)}`, width, '       '),
    ...(facts === '' ? [] : [facts]),
    wrapped(`${style.accent('next')}   ${printable(error.hint)}`, width, '       '),
  ].join('\n');
};

const factOf = (
  name: string,
  value: unknown,
  all: Readonly<Record<string, unknown>>,
  now: number,
): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (name === 'resets_at' && typeof value === 'number') return momentOf(value, now);
  if (name === 'retry_after' && typeof value === 'number') return lasting(value);
  const isMoney = MONEY.has(name) && (name === 'price' || MONEY_RULES.has(String(all['rule'])));
  if (isMoney && typeof value === 'string' && /^-?[0-9]{1,78}$/.test(value))
    return formatDollars(BigInt(value));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
};

const momentOf = (seconds: number, now: number): string => {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const left = seconds - now;
  return `${date.toISOString().replace('.000Z', 'Z')}${left > 0 ? ` (in ${lasting(left)})` : ''}`;
};

/** The error as a program reads it: the one document on stdout of a command that failed with `--json`. */
export const errorDocument = ({ code, message, hint, exit, details }: CliError) => ({
  error: { ...details, code, message, hint, exit },
});
