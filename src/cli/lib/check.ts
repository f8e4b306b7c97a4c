import type { Output } from './output.ts';
import { printable, widthOf, wrapped } from './text.ts';

/** The outcome of one check of `doctor` or `init`. */
export type Check = {
  readonly name: string;
  /** `skip`: this machine cannot run the check. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skip';
  readonly says: string;
  /** The next step; on every status but `ok`. */
  readonly hint?: string;
};

type CreateCheck = (name: string, says: string, hint: string) => Check;

export const passed = (name: string, says: string): Check => ({ name, status: 'ok', says });
export const warning: CreateCheck = (name, says, hint) => ({ name, status: 'warn', says, hint });
export const failure: CreateCheck = (name, says, hint) => ({ name, status: 'fail', says, hint });
export const skipped: CreateCheck = (name, says, hint) => ({ name, status: 'skip', says, hint });

/** The host of a URL, without its path and query: those often hold an API key. */
export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : 'no URL');

const MARKS = { ok: '✓', warn: '!', fail: '✗', skip: '·' } as const;
const STYLES = { ok: 'good', warn: 'warn', fail: 'bad', skip: 'dim' } as const;

/** Checks for people: mark, name, finding, next step. */
export const checkLines = ({ style, width }: Output, checks: readonly Check[]): string => {
  const label = Math.max(0, ...checks.map(({ name }) => widthOf(printable(name))));
  const isNarrow = width < label + 44;
  const indent = ' '.repeat(isNarrow ? 4 : label + 4);
  const columns = Math.min(width, 100);
  return checks
    .map(({ name: given, status, says, hint }) => {
      const name = printable(given);
      const mark = style[STYLES[status]](MARKS[status]);
      const head = isNarrow ? `${mark} ${name}\n${indent}` : `${mark} ${name.padEnd(label)}  `;
      const next =
        hint === undefined || status === 'ok'
          ? ''
          : `\n${indent}${style.dim(wrapped(`→ ${printable(hint)}`, columns, indent))}`;
      return head + wrapped(printable(says), columns, indent) + next;
    })
    .join('\n');
};
