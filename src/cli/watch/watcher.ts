import { setTimeout as pause } from 'node:timers/promises';
import type { EntryEvent } from '../../client/management-events.ts';
import { createManagement } from '../../client/management.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Names } from '../lib/accounts.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { createDecisions } from '../tail/decision.ts';
import { type Feeds, MAX_FEEDS, openFeeds } from '../tail/feeds.ts';
import { granteeIn, type Labels, readLabel, updateLabel } from '../tail/followed.ts';
import { newestEntries } from './history.ts';
import { createGatewayReads } from './gateway-reads.ts';
import { lineOfCall, readHealth, readPart, Unreachable } from './reads.ts';
import { createStandings } from './standings.ts';
import { alertsIn, emptyState, type Line, type WatchState, withLines } from './state.ts';

/** Follows a gateway: decisions as they are made, every other part when something changed. */
export type Watcher = {
  readonly state: () => WatchState;
  /** Reads every part once. */
  readonly refresh: () => Promise<void>;
  /** Reads until the session ends. */
  readonly run: () => Promise<never>;
  readonly setPaused: (isPaused: boolean) => void;
};

export type Watched = {
  readonly admin: AdminClient;
  readonly accounts: readonly AccountId[];
  readonly labels: Labels;
  readonly names: Names;
  readonly signer: string;
  /** Whether accounts that appear later are followed too. */
  readonly isOpen: boolean;
};

/** The pause between two reads doubles while nothing changes. */
const SHORTEST_MS = 5_000;
const LONGEST_MS = 60_000;
/** Entries of one moment cause one read. */
const TOGETHER_MS = 1_000;
const LONGEST_RETRY = 30;
/** Agents report what they spent within 70 s: the limits of their ancestors change until then. */
const REPORTED_MS = 75_000;
const LOGS_AT_ONCE = 8;

export const createWatcher = (watched: Watched, onChange: () => void): Watcher => {
  const { admin, labels, names, isOpen } = watched;
  const { session, gateway } = admin;
  const { signal, now } = session;
  // A repeat of a lost request would hide that the gateway is gone.
  const management = createManagement({
    ...{ gateway, account: admin.signer, retries: 0, timeoutSeconds: 10 },
    fetch: async (input, init) =>
      fetch(input, {
        ...init,
        signal: AbortSignal.any([signal, ...(init?.signal ? [init.signal] : [])]),
      }),
  });
  const nameOf = (account: string, label = labels.get(account)): string => names.of(account, label);
  const standings = createStandings(management, nameOf, now);
  const readGateway = admin.role === 'operator' ? createGatewayReads(management) : undefined;
  const decide = createDecisions();

  let state = emptyState(gateway, watched.signer);
  let lines: readonly Line[] = [];
  let deadLetters: { readonly count: number; readonly oldest: number | undefined } | undefined;
  /** Accounts whose log is not read yet. */
  const unread = new Set<AccountId>();
  let feeds: Feeds | undefined;
  let reported: NodeJS.Timeout | undefined;
  let isWoken = false;
  let wake = (): void => undefined;
  let isPaused = false;
  let failures = 0;

  const update = (change: Partial<WatchState>): void => {
    state = { ...state, ...change };
    onChange();
  };
  const changed = (): void => {
    isWoken = true;
    wake();
  };

  const add = (account: AccountId): void => {
    if (unread.has(account) || feeds?.accounts.has(account) === true) return;
    if (unread.size + (feeds?.accounts.size ?? 0) >= MAX_FEEDS) return;
    unread.add(account);
    standings.mark(account);
  };
  for (const account of watched.accounts) add(account);

  const takeEntries = (entries: readonly EntryEvent[]): void => {
    const added: Line[] = [];
    for (const entry of entries) {
      updateLabel(labels, entry);
      const decision = decide(entry);
      if (decision !== undefined) added.push({ ...decision, agent: nameOf(entry.account) });
    }
    lines = withLines(lines, added);
  };
  const showLines = (): void =>
    update({
      decisions: { kind: 'known', value: lines, asOf: now() },
      alerts: { kind: 'known', value: { lines: alertsIn(lines), deadLetters }, asOf: now() },
    });

  const onEntry = (entry: EntryEvent): void => {
    takeEntries([entry]);
    if (!isPaused) showLines();
    standings.markLineage(entry.account);
    reported ??= setTimeout(() => {
      reported = undefined;
      standings.markParents();
      changed();
    }, REPORTED_MS).unref();
    const joined = isOpen ? granteeIn(entry) : undefined;
    if (joined !== undefined) add(joined);
    changed();
  };

  /** Reads the newest entries of new accounts, then follows them. Asks again later for an account that does not exist yet. */
  const readLogs = async (): Promise<void> => {
    const all = [...unread];
    for (let at = 0; at < all.length; at += LOGS_AT_ONCE)
      await Promise.all(all.slice(at, at + LOGS_AT_ONCE).map(readLog));
  };
  const readLog = async (account: AccountId): Promise<void> => {
    const part = await readPart('', async () => ({
      value: await newestEntries(admin, account),
      asOf: undefined,
    }));
    if (part.kind !== 'known') return;
    unread.delete(account);
    if (!labels.has(account)) await readLabel(admin, labels, account);
    takeEntries(part.value.entries);
    feeds?.open(account, part.value.head);
  };

  /** Reads what operators see. Undefined if the key is no operator. */
  const readOperator = async (read: NonNullable<typeof readGateway>): Promise<News | undefined> => {
    const found = await read();
    if ('why' in found) {
      const closed = { kind: 'closed', why: found.why } as const;
      update({ decisions: closed, budgets: closed, settlements: closed, alerts: closed });
      return undefined;
    }
    ({ deadLetters } = found);
    for (const { account } of found.calls) {
      if (isOpen) add(account);
      if (found.isNew) standings.markLineage(account);
    }
    lines = withLines(
      lines,
      found.calls.map((call) => lineOfCall(call, nameOf)),
    );
    update({ settlements: found.settlements });
    return { isNew: found.isNew, stopped: found.stopped };
  };

  /** Reads every part that changed. @returns whether more is to read soon */
  const refresh = async (): Promise<boolean> => {
    try {
      const health = await readHealth(gateway, signal, now);
      const news = readGateway === undefined ? NOTHING : await readOperator(readGateway);
      const { stopped, isNew } = news ?? NOTHING;
      if (news !== undefined) {
        await readLogs();
        const { budgets, settlements } = await standings.read();
        // An operator sees every account: one that is missing has no limits yet.
        update(
          readGateway === undefined
            ? { budgets, settlements }
            : { budgets: budgets.kind === 'closed' ? noBudgets(now()) : budgets },
        );
        showLines();
      }
      failures = 0;
      update({ health: { ...health, stopped } });
      return isNew || standings.hasMore();
    } catch (thrown) {
      signal.throwIfAborted();
      if (!(thrown instanceof Unreachable)) throw thrown;
      failures += 1;
      const since = state.health.kind === 'gone' ? state.health.since : now();
      const retryAt = now() + Math.min(2 ** (failures - 1), LONGEST_RETRY);
      update({ health: { kind: 'gone', since, why: thrown.message, retryAt } });
      return false;
    }
  };

  const rest = async (ms: number): Promise<void> => {
    if (isWoken) return;
    const woken = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const stop = new AbortController();
    const either = AbortSignal.any([signal, stop.signal]);
    const timer = pause(ms, undefined, { signal: either }).catch(() => undefined);
    await Promise.race([woken, timer]);
    stop.abort();
    wake = () => undefined;
    signal.throwIfAborted();
  };

  return {
    state: () => state,
    refresh: async () => {
      await refresh();
    },
    setPaused: (value) => {
      isPaused = value;
      if (!value) changed();
    },
    run: async () => {
      feeds = openFeeds(admin, onEntry, () => {
        // A connection broke: ask at once whether the gateway is there.
        if (state.health.kind === 'ok') changed();
      });
      feeds.over.catch(() => undefined);
      let wait = SHORTEST_MS;
      for (;;) {
        const isBusy = isWoken;
        isWoken = false;
        const isNew = await refresh();
        wait = isBusy || isNew ? SHORTEST_MS : Math.min(wait * 2, LONGEST_MS);
        const { health } = state;
        await rest(health.kind === 'gone' ? (health.retryAt - now()) * 1_000 : wait);
        await pause(TOGETHER_MS, undefined, { signal });
        while (isPaused) await rest(LONGEST_MS);
      }
    },
  };
};

type News = { readonly isNew: boolean; readonly stopped: readonly string[] | undefined };
const NOTHING: News = { isNew: false, stopped: undefined };

const noBudgets = (asOf: number) => ({ kind: 'known', value: [], asOf }) as const;
