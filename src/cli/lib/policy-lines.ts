import type { AnswerOf } from '../../management/types.ts';
import type { Policy } from '../../policy/policy.ts';
import type { Output } from './output.ts';
import { fields } from './table.ts';
import { counted, printable, widthOf, wrapped } from './text.ts';
import { roomOf } from './print.ts';
import { type Difference, policyText } from './policy-text.ts';

/** A policy line by line. */
export const policyLines = (out: Output, policy: Policy): string =>
  fields(
    policyText(policy).length === 0 ? [['says', 'nothing: it sets no limit']] : policyText(policy),
    out.style.dim,
    roomOf(out),
  );

/** What changes, line by line: `+` new, `-` gone, `~` other. */
export const differenceLines = (out: Output, lines: readonly Difference[]): string => {
  const label = Math.max(0, ...lines.map(({ name }) => widthOf(name)));
  return lines
    .map(({ name, before, after }) => {
      const [mark, paint] =
        before === undefined
          ? (['+', out.style.good] as const)
          : after === undefined
            ? (['-', out.style.bad] as const)
            : (['~', out.style.warn] as const);
      const value = [before, after].filter((text) => text !== undefined).join(' → ');
      const head = `${paint(mark)} ${name.padEnd(label)}  `;
      return head + wrapped(printable(value), roomOf(out), ' '.repeat(label + 4));
    })
    .join('\n');
};

/** How many running calls a policy would have refused. */
export const inFlightText = (
  out: Output,
  { in_flight: calls }: Pick<AnswerOf<'account.policy.put'>, 'in_flight'>,
): string | undefined => {
  if (calls === undefined || calls.held === 0) return undefined;
  const text =
    calls.cut_off === 0
      ? `${counted(calls.held, 'call')} running now; none would have been refused`
      : `${counted(calls.held, 'call')} running now; ${calls.cut_off} would have been refused, but may end`;
  return calls.cut_off === 0 ? out.style.dim(text) : out.style.warn(text);
};
