import type { Tool } from '../catalog/tool.ts';
import type { RemoteTool } from '../catalog/upstream.ts';
import { createBoundedMap } from '../core/bounded-map.ts';
import type { Seconds } from '../core/clock.ts';
import type { AlertBody } from '../protocol/alert.ts';
import { toolPin } from './definition.ts';
import { hostOf, type RemoteFetch } from './exchange.ts';
import { listTools, MAX_PAGE } from './list-tools.ts';
import { openSession } from './session.ts';

/** How often an isolate lists the tools of a server whose tools it sells. */
export const RELIST: Seconds = 300;
/** How often it lists them while one differs from its pin: a change that the operator accepted is sold again within this time. */
export const RELIST_CHANGED: Seconds = 10;
const ALERT_EVERY: Seconds = 3_600;
const TIMEOUT_MS = 10_000;
const MAX_SERVERS = 256;

export type PinWatchDeps = {
  /** Returns the pins of the tools of the server by name, as the tool's secrets show them; undefined if it does not list them. */
  readonly pinsOf: () => Promise<ReadonlyMap<string, string> | undefined>;
  /** Keeps a listing running after its call. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  /** Raises an operator alert; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

/** Compares the tools that are sold with those that their servers define now. One instance per isolate. */
export type PinWatch = {
  /**
   * True if, by the last listing of this isolate, the tool differs from the accepted definition or no longer exists. If a new listing is
   * due, lists the server's tools in the background, so no call waits. A failed listing changes nothing.
   */
  readonly isChanged: (tool: WatchedTool, now: Seconds, deps: PinWatchDeps) => boolean;
};

/** The parts of a sold tool that decide what its server lists. */
export type WatchedTool = Pick<Tool, 'id' | 'secrets'> & { readonly upstream: RemoteTool };

type Server = {
  readonly startedAt: Seconds;
  readonly pins: ReadonlyMap<string, string> | undefined;
};

export const openPinWatch = (): PinWatch => {
  const servers = createBoundedMap<string, Server>(MAX_SERVERS);
  const alerted = createBoundedMap<string, Seconds>(MAX_SERVERS);

  const relist = async (server: string, now: Seconds, deps: PinWatchDeps): Promise<void> => {
    servers.set(server, { startedAt: now, pins: servers.get(server)?.pins });
    const pins = await deps.pinsOf();
    if (pins !== undefined) servers.set(server, { startedAt: now, pins });
  };
  const alert = async (key: string, body: AlertBody, now: Seconds, deps: PinWatchDeps) => {
    if (now < (alerted.get(key) ?? 0) + ALERT_EVERY) return;
    alerted.set(key, now);
    if (!(await deps.raise(body))) alerted.delete(key);
  };
  return {
    isChanged: ({ id, upstream: { mcp, tool, pin }, secrets }, now, deps) => {
      const server = serverKey(mcp, secrets);
      const known = servers.get(server);
      const current = known?.pins?.get(tool);
      const isChanged = known?.pins !== undefined && current !== pin;
      const interval = isChanged ? RELIST_CHANGED : RELIST;
      if (known === undefined || now - known.startedAt >= interval) {
        deps.waitUntil(relist(server, now, deps));
      }
      if (isChanged) {
        const kind = current === undefined ? 'gone' : 'changed';
        const body = {
          rule: 'tool_changed',
          detail: { tool: id, host: hostOf(mcp), kind },
        } as const;
        deps.waitUntil(alert(`${id} ${current ?? ''}`, body, now, deps));
      }
      return isChanged;
    },
  };
};

/** A server may list other tools for another credential, so each is watched by itself. */
const serverKey = (url: string, secrets: WatchedTool['secrets']): string =>
  secrets.length === 0 ? url : `${url} ${JSON.stringify(secrets)}`;

/**
 * Lists the tools of a server and pins each. Bounded in time, bytes and number; never throws.
 *
 * @param send sends the requests; without it `fetch` does
 */
export const pinsOf = async (
  url: string,
  send?: RemoteFetch,
): Promise<ReadonlyMap<string, string> | undefined> => {
  const session = openSession({
    url,
    ...(send === undefined ? {} : { fetch: send }),
    signal: AbortSignal.timeout(TIMEOUT_MS),
    maxBytes: MAX_PAGE,
  });
  const listing = await listTools(session);
  await session.close();
  if (!listing.ok) {
    console.warn({ event: 'remote_unlisted', host: hostOf(url), kind: listing.error.kind });
    return undefined;
  }
  return new Map(
    [...listing.value.tools].map(([name, definition]) => [name, toolPin(definition) ?? '']),
  );
};
