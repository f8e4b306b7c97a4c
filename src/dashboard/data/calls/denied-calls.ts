import type { Management } from '../../../client/management.ts';
import { type Facts, factsIf } from '../../../protocol/log/facts.ts';
import { type Period, secondsOf } from '../../format/period.ts';
import { allOf } from '../reading/list.ts';

/**
 * An entry about one denial, or about further denials by its rule within ten seconds: the facts are those of the first, `count` includes
 * all.
 */
export type DenialRow = Facts<'call.denied'>;

export type DenialFilters = Period & {
  readonly account: string;
  readonly rule?: string | undefined;
  readonly tool?: string | undefined;
};

/** Denials of one agent, newest first, and the number in its total. */
export type DenialList = {
  readonly rows: readonly DenialRow[];
  readonly total: number;
  readonly isMore: boolean;
};

/** The number of denied calls in rows that each stand for several. */
export const deniedIn = (rows: readonly DenialRow[]): number =>
  rows.reduce((sum, { count = 1 }) => sum + count, 0);

/**
 * Reads the denials of an agent. A log has no index on denials, so this reads only days whose total counts some, and stops in each day once
 * all of them are found.
 */
export const readDeniedCalls = async (
  management: Management,
  { account, from, to, rule, tool }: DenialFilters,
  most: number,
  signal: AbortSignal,
): Promise<DenialList> => {
  const params = { account };
  const narrow = {
    ...(rule === undefined ? {} : { rule }),
    ...(tool === undefined ? {} : { tool }),
  };
  const readDay = async (day: string, denied: number): Promise<readonly DenialRow[]> => {
    const rows: DenialRow[] = [];
    let left = denied;
    const [start, end] = secondsOf({ from: day, to: day });
    const query = { ...narrow, type: 'call.denied', from: start, to: end, limit: 500 };
    for await (const entry of management.list('account.entries', { params, query, signal })) {
      const row = factsIf(entry, 'call.denied');
      if (row === undefined) continue;
      rows.push(row);
      left -= row.count ?? 1;
      if (left <= 0) break;
    }
    return rows.toSorted((one, other) => other.at - one.at);
  };
  const query = { ...narrow, account, by: 'day', from, to, limit: 500 } as const;
  const days = (await allOf(management.list('account.spend', { params, query, signal }))).filter(
    ({ denied }) => denied > 0,
  );
  const rows: DenialRow[] = [];
  for (const { key, denied } of days.toReversed()) {
    if (rows.length > most) break;
    rows.push(...(await readDay(key, denied)));
  }
  return {
    rows: rows.slice(0, most),
    total: days.reduce((sum, { denied }) => sum + denied, 0),
    isMore: rows.length > most,
  };
};
