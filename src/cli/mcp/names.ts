import type { Client, Tool } from '@modelcontextprotocol/client';

/** A gateway, or any other MCP server, to which the bridge forwards. */
export type Remote = { readonly origin: string; readonly client: Client };

/** A tool of a remote, under the name that the host sees. */
export type Named = { readonly remote: Remote; readonly tool: Tool };

type Listed = { readonly remote: Remote; readonly tools: readonly Tool[] };

/** MCP allows 1 to 128 characters; some hosts stop at 64. */
const MAX_NAME = 64;

/**
 * Names the tools of all remotes. One remote keeps its names; with several, each name begins with the remote's host, so that no server can
 * take over the name of another server's tool.
 */
export const namesOf = (lists: readonly Listed[]): ReadonlyMap<string, Named> => {
  const prefixes = new Map<string, number>();
  const named = new Map<string, Named>();
  for (const { remote, tools } of lists) {
    const prefix = lists.length === 1 ? '' : `${uniquePrefix(prefixes, remote.origin)}__`;
    for (const tool of tools) {
      const name = `${prefix}${tool.name}`.slice(0, MAX_NAME);
      // Of two tools whose names are cut to one, the first keeps it: a call must not depend on which list came last.
      if (!named.has(name)) named.set(name, { remote, tool });
    }
  }
  return named;
};

const uniquePrefix = (taken: Map<string, number>, origin: string): string => {
  const host = new URL(origin).host.replace(/[^A-Za-z0-9_-]/g, '-').slice(0, 24);
  const before = taken.get(host) ?? 0;
  taken.set(host, before + 1);
  return before === 0 ? host : `${host}-${before + 1}`;
};
