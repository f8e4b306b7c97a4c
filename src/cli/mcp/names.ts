import type { Client, Tool } from '@modelcontextprotocol/client';
import { isOwn } from './own-tools.ts';

/** A gateway, or any other MCP server, to which the bridge forwards. */
export type Remote = { readonly origin: string; readonly client: Client };

/** A tool of a remote, under the name that the host sees. */
export type Named = { readonly remote: Remote; readonly tool: Tool };

type Listed = { readonly remote: Remote; readonly tools: readonly Tool[] };

/** MCP allows 1 to 128 characters; some hosts stop at 64. */
const MAX_NAME = 64;
/**
 * Attack: a name could hold terminal control characters, or text that only the model reads. Hosts also reject a whole list with such a
 * name.
 */
const UNNAMEABLE = /[^A-Za-z0-9_.-]/g;

/**
 * Names the tools of all remotes. One remote keeps its names; with several, each name begins with the remote's host, so that no server can
 * take over the name of another server's tool.
 */
export const namesOf = (lists: readonly Listed[]): ReadonlyMap<string, Named> => {
  const prefixes = new Set<string>();
  const named = new Map<string, Named>();
  for (const { remote, tools } of lists) {
    const prefix = lists.length === 1 ? '' : `${uniquePrefix(prefixes, remote.origin)}__`;
    for (const tool of tools) {
      const plain = `${prefix}${tool.name}`.replace(UNNAMEABLE, '_');
      const name = (isOwn(plain) ? `remote__${plain}` : plain).slice(0, MAX_NAME);
      // If two names are equal after cutting, the first tool keeps the name: a call must not depend on which list arrived last.
      if (!named.has(name)) named.set(name, { remote, tool });
    }
  }
  return named;
};

/** No prefix holds an underscore, so that it ends at the first two of a name. */
const uniquePrefix = (taken: Set<string>, origin: string): string => {
  const host = new URL(origin).host.replace(/[^A-Za-z0-9-]/g, '-').slice(0, 24);
  let prefix = host;
  for (let number = 2; taken.has(prefix); number += 1) prefix = `${host}-${number}`;
  taken.add(prefix);
  return prefix;
};
