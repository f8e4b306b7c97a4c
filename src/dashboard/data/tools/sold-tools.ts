import type { Management } from '../../../client/management.ts';
import { isObject } from '../../../core/json-object.ts';
import type { Period } from '../../format/period.ts';
import { dayOf, daysBefore } from '../../format/time.ts';
import { type CatalogueTool, readCatalogue } from './catalogue.ts';
import { readPublicTools } from './public-tools.ts';
import { useQuery } from '../reading/query.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import type { Scope } from '../session/scope.ts';
import { readSpendByTool, type SpendRow } from '../money/spending.ts';

/** The number of UTC days in the figures of a tool, today included. */
export const TOOL_DAYS = 30;

/** A tool with its earnings and its health. */
export type SoldTool = CatalogueTool & {
  /** One row for each asset, and one for denials. */
  readonly spend: readonly SpendRow[];
  /** The days of `spend`. */
  readonly days: Period;
  /** Judged from the calls of the last day; undefined if the gateway publishes none. */
  readonly health: string | undefined;
};

/** The health of the tools, which the gateway publishes (docs/tools.md). Without it the page still works. */
const readHealth = async (signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
  try {
    const tools = await readPublicTools(signal);
    return new Map(
      tools.flatMap(({ id, health }) =>
        isObject(health) ? [[String(id), String(health['state'])] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
};

/** The catalogue with the earnings of each tool in `TOOL_DAYS` UTC days. */
const readSoldTools = async (
  management: Management,
  scope: Scope,
  signal: AbortSignal,
): Promise<readonly SoldTool[]> => {
  const today = dayOf(gatewayNow());
  const days = { from: daysBefore(today, TOOL_DAYS - 1), to: today };
  const [tools, rows, health] = await Promise.all([
    readCatalogue(management, signal),
    readSpendByTool(management, scope, days, signal),
    readHealth(signal),
  ]);
  return tools.map((tool) => ({
    ...tool,
    spend: rows.filter(({ key }) => key === tool.id),
    days,
    health: health.get(tool.id),
  }));
};

/** The tools that the gateway sells. The list and the page of one tool share a reading. */
export const useSoldTools = (scope: Scope) =>
  useQuery(`tools ${scope.account}`, (management, signal) =>
    readSoldTools(management, scope, signal),
  );
