import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { lasting } from '../../core/lasting.ts';
import { countsCalls } from '../../policy/rule-name.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { type CliError, EXIT } from './errors.ts';
import type { Style } from './output.ts';
import { fields, printable, wrapped } from './text.ts';

/** The documentation inside the package, where this file is `dist/cli/…js`. A checkout has no folder at this path. */
const DOCS = join(import.meta.dirname, '../../docs');

/** Rewrites paths of documentation pages in a text so that they resolve from the working directory: the package ships the pages. */
export const located = (text: string): string =>
  text.replace(/\bdocs\/([a-z-]+\.md)/g, (page, name: string) => {
    const path = join(DOCS, name);
    if (!existsSync(path)) return page;
    const near = relative(process.cwd(), path);
    return near.length < path.length ? near : path;
  });

/** Members of a denial that are atomic units, unless its rule counts calls. */
const MONEY_FIELDS = new Set(['limit', 'spent', 'held', 'remaining', 'price']);

const LABELS: Readonly<Record<string, string>> = {
  remaining: 'left',
  resets_at: 'resets',
  retry_after: 'retry in',
  retry_allowed: 'may retry',
  log_index: 'log index',
};

/** An error for people: the message, its details, the next step. */
export const errorText = (error: CliError, width: number, style: Style, now: number): string => {
  const details = fields(
    Object.entries(error.details).map(([name, value]) => [
      // The name of a setting stays as it is typed.
      `  ${LABELS[name] ?? (/^[A-Z]/.test(name) ? name : name.replaceAll('_', ' '))}`,
      detailText(name, value, error.details, now),
    ]),
    style.dim,
    width,
  );
  return [
    // Ctrl-C is not the user's mistake.
    error.exit === EXIT.cancelled
      ? style.dim(printable(error.message))
      : wrapped(`${style.bad('error')}  ${printable(error.message)}`, width, '       '),
    ...(details === '' ? [] : [details]),
    wrapped(`${style.accent('next')}   ${printable(located(error.hint))}`, width, '       '),
  ].join('\n');
};

const detailText = (
  name: string,
  value: unknown,
  all: Readonly<Record<string, unknown>>,
  now: number,
): string | undefined => {
  if (value === undefined || value === null) return undefined;
  if (name === 'resets_at' && typeof value === 'number') return timeText(value, now);
  if (name === 'retry_after' && typeof value === 'number') return lasting(value);
  const { rule } = all;
  const isMoney =
    MONEY_FIELDS.has(name) &&
    (name === 'price' || (typeof rule === 'string' && !countsCalls(rule)));
  if (isMoney && typeof value === 'string' && /^-?[0-9]{1,78}$/.test(value))
    return formatDollars(BigInt(value));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
};

const timeText = (seconds: number, now: number): string => {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime())) return String(seconds);
  const wait = seconds - now;
  return `${date.toISOString().replace('.000Z', 'Z')}${wait > 0 ? ` (in ${lasting(wait)})` : ''}`;
};

/** An error for programs: the only document on stdout of a command that failed with `--json`. */
export const errorDocument = ({ code, message, hint, exit, details }: CliError) => ({
  error: { ...details, code, message, hint, exit },
});
