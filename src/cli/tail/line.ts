import { dollars } from '../lib/amounts.ts';
import { isoTime } from '../lib/times.ts';
import type { Names } from '../lib/account-names.ts';
import type { Output, Style } from '../lib/output.ts';
import { clipped, printable, widthOf, wrapped } from '../lib/text.ts';
import { type DecisionLine, shownAt } from './decision.ts';

const NARROW = 72;
const NAME = { narrow: 14, wide: 22 };
const WIDE = 100;
const TOOL = 14;
const PRICE = 8;

/** A decision for people: one line, or where there is no room for that, what is behind the verdict below it. */
export const lineText = (
  { width, style }: Output,
  line: DecisionLine,
  names: Names,
  label: string | undefined,
): string => {
  const who = printable(names.of(line.account, label));
  const price = dollars(line.charged ?? line.price);
  const why = [
    line.rule,
    line.says,
    line.by === undefined ? undefined : `by ${names.of(line.by)}`,
    line.count === undefined || line.count < 2
      ? undefined
      : `${line.count} times since ${isoTime(line.at).slice(11, 19)}`,
  ]
    .filter((text) => text !== undefined && text !== '')
    .join(', ');
  const time = style.dim(isoTime(shownAt(line)).slice(11, 19));
  const verdict = paintOf(style, line.verdict)(line.verdict.padEnd(7));
  if (width < NARROW) {
    const room = Math.max(6, width - 9 - 8);
    const below = [line.tool, price, why]
      .filter((text) => text !== undefined && text !== '')
      .join(' ');
    return `${time} ${verdict} ${clipped(who, room, 'middle')}${below === '' ? '' : `\n  ${wrapped(printable(below), width, '  ')}`}`;
  }
  const name = width < WIDE ? NAME.narrow : NAME.wide;
  const head = [
    time,
    clipped(who, name, 'middle').padEnd(name),
    // What is about no call needs no room for one.
    ...(line.tool === undefined && price === ''
      ? []
      : [clipped(printable(line.tool ?? ''), TOOL).padEnd(TOOL), price.padStart(PRICE)]),
    verdict,
  ].join(' ');
  const text = printable(why);
  if (text === '') return head.trimEnd();
  const room = Math.min(width, 140);
  const indent = widthOf(head) + 2;
  // Where little is left beside the columns, the reason is put below them.
  return indent + widthOf(text) <= room || room - indent > 60
    ? `${head}  ${wrapped(text, room, ' '.repeat(indent))}`
    : `${head}\n         ${wrapped(text, room, '         ')}`;
};

const paintOf = (style: Style, verdict: DecisionLine['verdict']): Style['good'] => {
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
