import * as z from 'zod/mini';
import type { Seconds } from '../core/clock.ts';

const atSchema = z.looseObject({ at: z.int() });

/** The lines of a log from the first entry in the range up to the first one after it: without a gap, or the chain would not verify. */
export async function* entriesBetween(
  pages: AsyncIterable<string>,
  { from = 0, to = Number.POSITIVE_INFINITY }: { readonly from?: Seconds; readonly to?: Seconds },
): AsyncGenerator<string> {
  let begun = false;
  for await (const page of pages) {
    const kept: string[] = [];
    for (const line of page.split('\n').filter((each) => each !== '')) {
      const { at } = z.parse(atSchema, JSON.parse(line));
      if (at >= to) {
        if (kept.length > 0) yield kept.join('');
        return;
      }
      begun ||= at >= from;
      if (begun) kept.push(`${line}\n`);
    }
    if (kept.length > 0) yield kept.join('');
  }
}

/** The lines of pages, which end at line ends. */
export async function* linesOf(pages: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const page of pages) {
    for (const line of page.split('\n')) if (line !== '') yield line;
  }
}
