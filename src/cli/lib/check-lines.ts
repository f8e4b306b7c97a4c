import type { Check } from './check.ts';
import type { Output } from './output.ts';
import { printable, widthOf, wrapped } from './text.ts';

const MARKS = { ok: '✓', warn: '!', fail: '✗', skip: '·' } as const;
const PAINTS = { ok: 'good', warn: 'warn', fail: 'bad', skip: 'dim' } as const;

/** Checks for people: a mark, what was looked at, what was found, what to do. */
export const checkLines = ({ style, width }: Output, checks: readonly Check[]): string => {
  const label = Math.max(0, ...checks.map(({ name }) => widthOf(printable(name))));
  const isNarrow = width < label + 44;
  const indent = ' '.repeat(isNarrow ? 4 : label + 4);
  return checks
    .map(({ name: given, status, says, hint }) => {
      const name = printable(given);
      const mark = style[PAINTS[status]](MARKS[status]);
      const head = isNarrow ? `${mark} ${name}\n${indent}` : `${mark} ${name.padEnd(label)}  `;
      const room = Math.min(width, 100);
      const body = wrapped(printable(says), room, indent);
      const next =
        hint === undefined || status === 'ok'
          ? ''
          : `\n${indent}${style.dim(wrapped(`→ ${printable(hint)}`, room, indent))}`;
      return head + body + next;
    })
    .join('\n');
};
