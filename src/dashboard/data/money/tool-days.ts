import type { Management } from '../../../client/management.ts';

/** The charges of one UTC day for one tool, in one asset. Atomic units. */
type ToolDay = {
  readonly day: string;
  readonly tool: string;
  readonly asset: string;
  readonly charged: bigint;
};

/** `isByTool`: false if there are too many tools and days for one chart; then the amounts are of all tools together. */
export type ToolDays = { readonly rows: readonly ToolDay[]; readonly isByTool: boolean };

/** Rows of a chart, at most: five requests. */
const MOST = 2500;
const ALL = 'all tools';

/**
 * Charges of an account and its descendants between two UTC days, both included, by day and tool. The rows add up to the total of each day.
 */
export const readToolDays = async (
  management: Management,
  account: string,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<ToolDays> => {
  const read = async (and: 'tool' | undefined): Promise<readonly ToolDay[] | undefined> => {
    const rows: ToolDay[] = [];
    const query = {
      by: 'day',
      from,
      to,
      limit: 500,
      ...(and === undefined ? {} : { and }),
    } as const;
    for await (const row of management.list('account.spend', {
      params: { account },
      query,
      signal,
    })) {
      if (rows.length === MOST) return undefined;
      // Rows without an asset are denials.
      if (row.asset === undefined) continue;
      rows.push({
        ...{ day: row.key, tool: row.and ?? ALL, asset: row.asset, charged: BigInt(row.charged) },
      });
    }
    return rows;
  };
  const byTool = await read('tool');
  return byTool === undefined
    ? { rows: (await read(undefined)) ?? [], isByTool: false }
    : { rows: byTool, isByTool: true };
};
