import type { ItemOf, Management } from '../../client/management.ts';
import { isObject } from '../../core/json-object.ts';
import { MAX_TOOLS } from '../../catalog/schema.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { dayOf, daysBefore } from '../format/time.ts';
import { gatewayNow } from './reader.ts';
import type { Scope } from './scope.ts';
import { readSpend, type SpendRow } from './spending.ts';

export type CatalogueTool = ItemOf<'tools.list'>;

/** How many UTC days the figures of a tool cover, today included. */
export const TOOL_DAYS = 30;

/** A tool with what it earned and how it works. */
export type SoldTool = CatalogueTool & {
  /** One row for each asset, and one for denials. */
  readonly spend: readonly SpendRow[];
  /** Judged from the calls of the last day; undefined if the gateway says nothing about it. */
  readonly health: string | undefined;
};

/** The whole catalogue, disabled and faulty tools included. */
export const readTools = async (
  management: Management,
  signal?: AbortSignal,
): Promise<readonly CatalogueTool[]> => {
  const tools: CatalogueTool[] = [];
  const request = { query: { limit: 500 }, ...(signal === undefined ? {} : { signal }) };
  for await (const tool of management.list('tools.list', request)) {
    tools.push(tool);
    if (tools.length >= MAX_TOOLS) break;
  }
  return tools;
};

/** The health of the tools, which the gateway publishes (docs/tools.md). A page without health is better than none. */
const readHealth = async (signal: AbortSignal): Promise<ReadonlyMap<string, string>> => {
  try {
    const headers = { Accept: 'application/json' };
    const answer = await fetch('/', { headers, redirect: 'manual', signal });
    const { tools } = (await answer.json()) as { readonly tools?: unknown };
    const listed = Array.isArray(tools) ? (tools as readonly unknown[]).filter(isObject) : [];
    return new Map(
      listed.flatMap(({ id, health }) =>
        isObject(health) ? [[String(id), String(health['state'])] as const] : [],
      ),
    );
  } catch {
    return new Map();
  }
};

/** The catalogue with what each tool earned in `TOOL_DAYS` UTC days. */
export const readSoldTools = async (
  management: Management,
  scope: Scope,
  signal: AbortSignal,
): Promise<readonly SoldTool[]> => {
  const today = dayOf(gatewayNow());
  const from = daysBefore(today, TOOL_DAYS - 1);
  const [tools, rows, health] = await Promise.all([
    readTools(management, signal),
    readSpend(management, scope, 'tool', from, today, signal),
    readHealth(signal),
  ]);
  return tools.map((tool) => ({
    ...tool,
    spend: rows.filter(({ key }) => key === tool.id),
    health: health.get(tool.id),
  }));
};

/** Which upstreams the gateway may call. It decides by its configuration; this guess only finds mistakes before it does. */
export const reachHere = (): EgressReach =>
  /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/.test(location.hostname)
    ? 'local_stack'
    : 'public';
