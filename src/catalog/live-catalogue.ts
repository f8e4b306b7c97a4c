import type { AgentAccountRpc } from '../protocol/account/rpc.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { Policy } from '../policy/policy.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  type Catalogue,
  catalogueOf,
  type DeployedTools,
  type MeterReader,
  readToolDocument,
  type ToolChanges,
} from './catalogue.ts';
import { type CallTexts, openLoggedTexts } from './logged-texts.ts';
import type { Tool } from './tool.ts';

/** A tool that an operator put since the deployment, as JSON; null if it was removed. */
type ChangedTool = { readonly id: string; readonly document: string | null };

/**
 * `top`: the sequence number of the newest change. `tools`: those that changed after the requested number. `hasTexts`: whether the log of the
 * account has the named set of texts.
 */
type ChangedTools = {
  readonly top: number;
  readonly tools: readonly ChangedTool[];
  readonly hasTexts?: boolean;
};

/** Reads the tools that changed after a sequence number, 0 for all. @throws Error if the tools cannot be read */
export type ReadTools = (since: number, texts?: Hex) => Promise<ChangedTools>;

/**
 * Reads tools from the gateway's own account, which decided each change. No queue and no D1 delays a change on its way to the isolates.
 *
 * @param account returns a fresh stub each time, because a stub that has thrown stays broken.
 */
export const readToolsOf =
  (account: () => Pick<AgentAccountRpc, 'documentsSince'>): ReadTools =>
  async (since, texts) => {
    const found = await account().documentsSince('tool', since, texts);
    if (found.verdict !== 'found') throw new Error('The gateway account did not answer.');
    const { top, documents, hasTexts = false } = found;
    const tools = documents.map(({ name, text }) => ({ id: name, document: text }));
    return { top, tools, hasTexts };
  };

/** The catalogue of an isolate: the deployed file with the changes that operators have made since. */
export type LiveCatalogue = {
  /** Returns the catalogue for a call. In an outage: the newest version that this isolate has read. */
  readonly current: (
    now: Seconds,
    waitUntil: (promise: Promise<unknown>) => void,
  ) => Promise<Catalogue>;
  /** Reads the changes first. Management uses it: an operator must see the current tool before replacing it. */
  readonly fresh: (now: Seconds) => Promise<Result<Catalogue, Reason>>;
  /** The texts that decide a call of a tool; without a tool, the texts of a call of the gateway itself. */
  readonly textsOf: (tool: Tool | undefined) => CallTexts;
  /** Brings the texts of the newest catalogue into the log of the gateway's account, unless it is known to have them. */
  readonly publish: (now: Seconds, waitUntil: (promise: Promise<unknown>) => void) => void;
};

export type CatalogueDeps = {
  readonly read: ReadTools;
  /** Raises an operator alert; false if it could not be recorded. */
  readonly raise: (alert: AlertBody) => Promise<boolean>;
  readonly deployed: DeployedTools;
  /** The default policy. */
  readonly policy: Policy;
  /** Writes texts into the log of the gateway's account, under the name of their set. @returns whether it has all of them. */
  readonly writeTexts: (set: Hex, tools: readonly Tool[]) => Promise<boolean>;
  /** How long a call waits for one read, milliseconds. */
  readonly patience?: number;
};

/** From this age on a call starts a read in the background. */
const STALE: Seconds = 2;
/** From this age on a call waits for its own read, so that a change reaches every isolate within 5 s. */
const EXPIRED: Seconds = 5;
/** For this long after a failed read, calls do not wait for another one. */
const PAUSE: Seconds = 2;
const PATIENCE = 1_000;
/** How long an isolate waits before it publishes texts again: the runtime may have cancelled the last attempt. */
const PUBLISH_PAUSE: Seconds = 30;

/** The catalogue as of the start of one read. */
type Snapshot = {
  /** Numbers the reads of this isolate in the order in which they started. */
  readonly ticket: number;
  readonly readAt: Seconds;
  readonly top: number;
  readonly changes: ToolChanges;
  readonly catalogue: Catalogue;
};

/**
 * Opens the catalogue of an isolate. In an outage it serves the last snapshot, whatever its age, or the deployed file if it never read
 * one, and raises `catalogue_stale`.
 *
 * Platform: Workers cancel I/O that another request started, so no call awaits another call's read.
 */
export const openCatalogue = ({
  read,
  raise,
  deployed,
  policy,
  writeTexts,
  patience = PATIENCE,
}: CatalogueDeps): LiveCatalogue => {
  let snapshot: Snapshot | undefined;
  let unchanged: Catalogue | undefined;
  let tickets = 0;
  let failedAt: Seconds | undefined;
  /** When the background read started. It may never end: the runtime can cancel its call. */
  let refreshedAt: Seconds | undefined;
  let inOutage = false;
  /** An alert that the gateway's account has not recorded yet. */
  let pendingAlert: AlertBody | undefined;
  const texts = openLoggedTexts(policy);
  let publishedAt: Seconds | undefined;
  /** The catalogue whose texts the log is known to have; the deployed file before the first read. */
  let logged: { readonly catalogue: Catalogue | undefined } | undefined;

  /** The deployed tools with their meters; undefined until a read needs them. */
  let metered: readonly Tool[] | undefined = isMetered(deployed.tools) ? undefined : deployed.tools;

  const toolsOf = (read: Snapshot | undefined): readonly Tool[] =>
    read === undefined
      ? (metered ?? [])
      : [...read.catalogue.tools.values()].flatMap(({ tool }) => tool ?? []);

  const readBy = async (now: Seconds): Promise<boolean> => {
    const from = snapshot;
    tickets += 1;
    const ticket = tickets;
    try {
      metered ??= withMeters(deployed.tools, await meterReader());
      const tools = toolsOf(from);
      const changed = await read(from?.top ?? 0, texts.missing(tools));
      if (changed.hasTexts === true) texts.confirm(tools);
      // Race: nothing may await between the comparison of snapshots and the change, so the code loads before.
      const readMeter = await meterReaderFor(deployed, changed);
      // A read that started later has already returned every change of this one.
      if (snapshot === undefined || ticket > snapshot.ticket) {
        const next = withChanges(deployed, from, snapshot, changed, readMeter);
        snapshot = { ...next, ticket, readAt: now };
      }
      failedAt = undefined;
      inOutage = false;
      return true;
    } catch (cause) {
      failedAt = now;
      console.error({ event: 'catalogue_unreadable', cause: String(cause) });
      return false;
    }
  };
  /** Like `readBy`, with a time limit. A late read still counts for later calls. */
  const readInTime = async (now: Seconds): Promise<boolean> => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => {
        failedAt = now;
        console.error({ event: 'catalogue_slow', milliseconds: patience });
        resolve(false);
      }, patience);
    });
    const done = await Promise.race([readBy(now), late]);
    clearTimeout(timer);
    return done;
  };
  const isPaused = (now: Seconds): boolean => failedAt !== undefined && now - failedAt < PAUSE;
  const refresh = async (now: Seconds): Promise<void> => {
    refreshedAt = now;
    await readBy(now);
    refreshedAt = undefined;
  };
  const isYoungerThan = (age: Seconds, now: Seconds): boolean =>
    snapshot !== undefined && now - snapshot.readAt < age;

  /** If the gateway's account does not answer, the alert stays pending until it does. */
  const report = async (): Promise<void> => {
    const alert = pendingAlert;
    pendingAlert = undefined;
    if (alert !== undefined && !(await raise(alert))) pendingAlert ??= alert;
  };

  const publish = async (set: Hex, tools: readonly Tool[]): Promise<void> => {
    try {
      if (await writeTexts(set, tools)) texts.confirm(tools);
    } catch (cause) {
      console.error({ event: 'texts_unpublished', cause: String(cause) });
    }
  };

  return {
    textsOf: texts.of,
    publish: (now, waitUntil) => {
      const catalogue = snapshot?.catalogue;
      if (logged !== undefined && logged.catalogue === catalogue) return;
      if (publishedAt !== undefined && now - publishedAt < PUBLISH_PAUSE) return;
      const tools = toolsOf(snapshot);
      const set = texts.missing(tools);
      if (set === undefined) {
        logged = { catalogue };
        return;
      }
      publishedAt = now;
      waitUntil(publish(set, tools));
    },
    current: async (now, waitUntil) => {
      if (!isYoungerThan(EXPIRED, now)) {
        const isRead = !isPaused(now) && (await readInTime(now));
        if (!isRead && !inOutage) {
          inOutage = true;
          pendingAlert = {
            rule: 'catalogue_stale',
            detail: { source: snapshot === undefined ? 'file' : 'snapshot' },
          };
          waitUntil(report());
        }
      } else if (
        !isYoungerThan(STALE, now) &&
        !isPaused(now) &&
        (refreshedAt === undefined || now - refreshedAt >= EXPIRED)
      ) {
        waitUntil(refresh(now));
      }
      if (pendingAlert !== undefined && !inOutage) waitUntil(report());
      if (snapshot !== undefined) return snapshot.catalogue;
      const readMeter = await meterReaderFor(deployed, undefined);
      return (unchanged ??= catalogueOf(deployed, new Map(), readMeter));
    },
    fresh: async (now) =>
      (await readBy(now)) && snapshot !== undefined
        ? ok(snapshot.catalogue)
        : err({ reason: 'storage_unavailable' }),
  };
};

const isMetered = (tools: readonly Tool[]): boolean =>
  tools.some(({ meteredPrice }) => meteredPrice !== undefined);

const meterReader = async (): Promise<MeterReader> =>
  (await import('./metered-price.ts')).readMeter;

const withMeters = (tools: readonly Tool[], readMeter: MeterReader): readonly Tool[] =>
  tools.flatMap((tool) => {
    const read = readMeter(tool);
    return read.ok ? read.value : [];
  });

/** Loads the code of meters if a tool may have one. */
const meterReaderFor = async (
  { tools }: DeployedTools,
  changed: ChangedTools | undefined,
): Promise<MeterReader | undefined> => {
  const mayBeMetered =
    isMetered(tools) ||
    changed?.tools.some(({ document }) => document?.includes('"meter"')) === true;
  return mayBeMetered ? await meterReader() : undefined;
};

/** Returns the snapshot after a read. Parses only the changed tools, and nothing if another read already applied the same changes. */
const withChanges = (
  deployed: DeployedTools,
  from: Snapshot | undefined,
  latest: Snapshot | undefined,
  { top, tools }: ChangedTools,
  readMeter: MeterReader | undefined,
): Pick<Snapshot, 'top' | 'changes' | 'catalogue'> => {
  if (latest?.top === top) return latest;
  const changes = new Map(from === undefined || top < from.top ? [] : from.changes);
  for (const { id, document } of tools) {
    changes.set(
      id,
      document === null ? undefined : readToolDocument(id, document, deployed, readMeter),
    );
  }
  return { top, changes, catalogue: catalogueOf(deployed, changes, readMeter) };
};
