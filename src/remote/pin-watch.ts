import type { RemoteTool } from '../catalog/upstream.ts';
import { createBoundedMap } from '../core/bounded-map.ts';
import type { Seconds } from '../core/clock.ts';
import type { AlertBody } from '../protocol/alert.ts';
import { toolPin } from './definition.ts';
import { hostOf } from './exchange.ts';
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
  /** Returns the pins of a server's tools by name; undefined if it does not list them. */
  readonly pinsOf: (url: string) => Promise<ReadonlyMap<string, string> | undefined>;
  /** Keeps a listing running after its call. */
  readonly waitUntil: (promise: Promise<unknown>) => void;
  /** Raises an operator alert; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
};

/** Compares the tools that are sold with those that their servers define now. One instance per isolate. */
export type PinWatch = {
  /**
   * True if the tool differs from what the operator accepted, or is gone, by the last listing of this isolate. Lists the server's tools again
   * in the background where that is due, so no call waits. A server that lists nothing changes nothing.
   */
  readonly isChanged: (
    id: string,
    upstream: RemoteTool,
    now: Seconds,
    deps: PinWatchDeps,
  ) => boolean;
};

type Server = {
  readonly startedAt: Seconds;
  readonly pins: ReadonlyMap<string, string> | undefined;
};

export const openPinWatch = (): PinWatch => {
  const servers = createBoundedMap<string, Server>(MAX_SERVERS);
  const alerted = createBoundedMap<string, Seconds>(MAX_SERVERS);

  const relist = async (url: string, now: Seconds, deps: PinWatchDeps): Promise<void> => {
    servers.set(url, { startedAt: now, pins: servers.get(url)?.pins });
    const pins = await deps.pinsOf(url);
    if (pins !== undefined) servers.set(url, { startedAt: now, pins });
  };
  const alert = async (key: string, body: AlertBody, now: Seconds, deps: PinWatchDeps) => {
    if (now < (alerted.get(key) ?? 0) + ALERT_EVERY) return;
    alerted.set(key, now);
    if (!(await deps.raise(body))) alerted.delete(key);
  };
  return {
    isChanged: (id, { mcp, tool, pin }, now, deps) => {
      const known = servers.get(mcp);
      const current = known?.pins?.get(tool);
      const isChanged = known?.pins !== undefined && current !== pin;
      const interval = isChanged ? RELIST_CHANGED : RELIST;
      if (known === undefined || now - known.startedAt >= interval) {
        deps.waitUntil(relist(mcp, now, deps));
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

/** Lists the tools of a server and pins each. Bounded in time, bytes and number; never throws. */
export const pinsOf = async (url: string): Promise<ReadonlyMap<string, string> | undefined> => {
  const session = openSession({
    url,
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
