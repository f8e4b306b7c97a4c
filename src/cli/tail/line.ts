import type { Names } from '../lib/account-names.ts';
import { dollars } from '../lib/amounts.ts';
import type { Output, Style } from '../lib/output.ts';
import { clipped, printable, widthOf, wrapped } from '../lib/text.ts';
import { isoTime } from '../lib/times.ts';
import { type Decision, shownAt } from './decision.ts';

const NARROW = 72;
const WIDE = 100;
const NAME = { narrow: 14, wide: 22 };
const TOOL = 14;
const PRICE = 8;

/** A decision on one line; on a narrow terminal the reason stands below. */
export const decisionText = (
  { width, style }: Output,
  line: Decision,
  names: Names,
  label: string | undefined,
): string => {
  const account = printable(names.of(line.account, label));
  const price = dollars(line.charged ?? line.price);
  const reason = present([
    line.rule,
    line.says,
    line.by === undefined ? undefined : `by ${names.of(line.by)}`,
    line.count === undefined || line.count < 2
      ? undefined
      : `${line.count} times since ${clock(line.at)}`,
  ]).join(', ');
  const time = style.dim(clock(shownAt(line)));
  const verdict = verdictStyle(style, line.verdict)(line.verdict.padEnd(7));
  if (width < NARROW) {
    const name = clipped(account, Math.max(6, width - 9 - 8), 'middle');
    const below = present([line.tool, price, reason]).join(' ');
    return `${time} ${verdict} ${name}${below === '' ? '' : `\n  ${wrapped(printable(below), width, '  ')}`}`;
  }
  const nameWidth = width < WIDE ? NAME.narrow : NAME.wide;
  const head = [
    time,
    clipped(account, nameWidth, 'middle').padEnd(nameWidth),
    // Only decisions about a call have tool and price.
    ...(line.tool === undefined && price === ''
      ? []
      : [clipped(printable(line.tool ?? ''), TOOL).padEnd(TOOL), price.padStart(PRICE)]),
    verdict,
  ].join(' ');
  const text = printable(reason);
  if (text === '') return head.trimEnd();
  const columns = Math.min(width, 140);
  const indent = widthOf(head) + 2;
  return indent + widthOf(text) <= columns || columns - indent > 60
    ? `${head}  ${wrapped(text, columns, ' '.repeat(indent))}`
    : `${head}\n         ${wrapped(text, columns, '         ')}`;
};

const present = (parts: readonly (string | undefined)[]): readonly string[] =>
  parts.filter((part) => part !== undefined && part !== '') as readonly string[];

const clock = (seconds: number): string => isoTime(seconds).slice(11, 19);

const verdictStyle = (style: Style, verdict: Decision['verdict']): Style['good'] => {
  switch (verdict) {
    case 'allowed':
    case 'charged':
    case 'paid':
      return style.good;
    case 'denied':
    case 'failed':
      return style.bad;
    case 'alert':
      return style.warn;
    case 'order':
      return style.accent;
  }
};
