import type { Tool } from '../../catalog/tool.ts';
import { isRelative, originOf, serviceOf } from '../../catalog/upstream.ts';
import { httpGet } from '../lib/http-get.ts';
import { proseWidth } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { printable, wrapped } from '../lib/text.ts';

/** How many upstreams to check: enough to detect a machine without a network, without a flood of requests. */
const MAX_ORIGINS = 8;

/** A sentence for each upstream that does not answer, with what to do. */
export const upstreamNotes = async (
  { out, signal }: Pick<Session, 'out' | 'signal'>,
  tools: readonly Tool[],
  upstream: string,
): Promise<readonly string[]> => {
  const called = tools.filter((tool) => !tool.disabled && serviceOf(tool) === undefined);
  const origins = new Map(
    called
      .filter((tool) => !isRelative(tool) || upstream !== '')
      .map((tool) => [originOf(tool, upstream), isRelative(tool)] as const),
  );
  const notes = await Promise.all(
    [...origins].slice(0, MAX_ORIGINS).map(async ([origin, isSetting]) => {
      const answer = await httpGet(origin, signal);
      if (answer.ok) return [];
      const mend = isSetting
        ? 'Start your API, or give --upstream URL.'
        : 'Start it, or correct the upstream of its tools in tools.json.';
      const text = printable(`${origin}: ${answer.error} ${mend}`);
      return [wrapped(`${out.noteStyle.warn('!')} ${text}`, proseWidth(out), '  ')];
    }),
  );
  return notes.flat();
};
