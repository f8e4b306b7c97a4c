import { roomOf } from './print.ts';
import type { Output } from './output.ts';
import { policyLines } from './policy-lines.ts';
import { policyOf } from './policy-slot.ts';
import { counted, printable, wrapped } from './text.ts';
import type { Imported } from './imported.ts';

/** A record as a program reads it. */
export const itemDocument = ({ id, name, policy, notes }: Imported) => ({
  id,
  name: name ?? null,
  policy,
  notes,
});

/** What became of each record, and what did not. */
export const reportText = (out: Output, items: readonly Imported[]): string => {
  const { style } = out;
  const room = roomOf(out);
  const lost = items
    .flatMap(({ notes }) => notes)
    .filter(({ effect }) => effect === 'not_mapped').length;
  return [
    ...items.map(({ id, name, policy, notes }) =>
      [
        `${style.bold(printable(name ?? id))}${name === undefined ? '' : `  ${style.dim(printable(id))}`}`,
        policyLines(out, policyOf(policy)),
        ...notes.map(({ field, effect, why }) => {
          const mark = effect === 'not_mapped' ? style.bad('✗') : style.warn('≈');
          return wrapped(`${mark} ${printable(field)}: ${printable(why)}`, room, '  ');
        }),
        '',
      ].join('\n'),
    ),
    `${counted(items.length, 'record')}, ${lost} ${lost === 1 ? 'thing' : 'things'} not mapped`,
  ].join('\n');
};
