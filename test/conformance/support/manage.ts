import type { LocalAccount } from 'viem';
import { expect } from 'vitest';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { endpointOf, type RouteId, toolIdOf } from '../../../src/management/endpoint.ts';
import { agentIntent, signIntent } from './intent.ts';
import type { ToolCall, World } from './world.ts';

/** The parts of a request: path and query parameters, body, headers, and fields that override its intent. */
export type RequestParts = {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly fields?: Partial<AgentIntent>;
};

/** The request of a route. */
export const requestOf = (
  id: RouteId,
  { params = {}, query = {}, body }: RequestParts = {},
): ToolCall => {
  const { method, path } = endpointOf(id);
  const filled = path.replaceAll(/:([a-z]+)/g, (_, name: string) => params[name] ?? 'missing');
  const search = new URLSearchParams(
    Object.entries(query).map(([key, value]) => [key, String(value)]),
  ).toString();
  return {
    path: search === '' ? filled : `${filled}?${search}`,
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' }),
  };
};

/** Signs a request to the management API and sends it. */
export const manage = async (
  world: World,
  account: LocalAccount,
  id: RouteId,
  parts: RequestParts = {},
): Promise<Response> => {
  const call = requestOf(id, parts);
  const signed = await signIntent(world, account, call, { tool: toolIdOf(id), ...parts.fields });
  return await world.send(call, { ...agentIntent(signed), ...parts.headers });
};

/** Parses the JSON of an answer, which must be 200 with `Cache-Control: private, no-store`. */
export const okJson = async <T = Record<string, unknown>>(
  answer: Promise<Response>,
): Promise<T> => {
  const response = await answer;
  expect(response.status, await response.clone().text()).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('private, no-store');
  return (await response.json()) as T;
};

/** The answer to a command. */
export type CommandAnswer = {
  readonly changed: boolean;
  readonly revision: number;
  readonly acknowledged: readonly string[];
  readonly silent: readonly string[];
  readonly etag?: string;
  readonly in_flight?: { readonly held: number; readonly cut_off: number };
  readonly dry_run?: true;
};

export type Page<T = Record<string, unknown>> = {
  readonly items: readonly T[];
  readonly next?: string;
};

/** Fetches every page of a list through its links, and returns all items. */
export const listAll = async <T = Record<string, unknown>>(
  world: World,
  account: LocalAccount,
  id: RouteId,
  parts: RequestParts = {},
): Promise<readonly T[]> => {
  const items: T[] = [];
  let query = parts.query ?? {};
  for (;;) {
    const page = await okJson<Page<T>>(manage(world, account, id, { ...parts, query }));
    items.push(...page.items);
    if (page.next === undefined) return items;
    query = { ...query, after: page.next };
  }
};
