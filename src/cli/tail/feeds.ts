import { setTimeout as pause } from 'node:timers/promises';
import type { EntryEvent } from '../../client/management-events.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { AdminClient } from '../lib/admin-client.ts';
import { cliErrorOf, isRefusal } from '../lib/errors.ts';

/** Event feeds of several accounts. */
export type Feeds = {
  /** Opens the feed of an account, after an entry of its log or with the next one; false if it is open already, or too many are. */
  open(account: AccountId, after?: number): boolean;
  /** As `open`, for an account that receives its first grant: the issuer's log may show it a moment before the account exists. */
  join(account: AccountId): boolean;
  /** Resolves once the gateway answered every feed. */
  connected(): Promise<void>;
  readonly accounts: ReadonlySet<AccountId>;
  /** Rejects with the error of the first feed that ends. */
  readonly over: Promise<never>;
};

/** Each feed keeps a connection open, and a request waiting at an account. */
export const MAX_FEEDS = 50;
const CONNECT_MS = 10_000;
const JOIN_RETRIES = 10;
const JOIN_PAUSE_MS = 500;

/** `onTrouble` is called whenever a connection fails; the feed connects again by itself. */
export const openFeeds = (
  admin: Pick<AdminClient, 'session' | 'management'>,
  onEntry: (entry: EntryEvent) => void,
  onTrouble: () => void = () => undefined,
): Feeds => {
  const { signal } = admin.session;
  const accounts = new Set<AccountId>();
  const answered = new Map<AccountId, Promise<void>>();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);

  const follow = async (
    account: AccountId,
    after: number | undefined,
    connected: () => void,
  ): Promise<void> => {
    // The feed starts at the gateway's answer. Print "watching" only then, or the user could miss a decision in between.
    const fetcher: typeof fetch = async (input, init) => {
      try {
        const response = await fetch(input, init);
        if (response.ok) connected();
        return response;
      } catch (thrown) {
        onTrouble();
        throw thrown;
      }
    };
    const options = { signal, ...(after === undefined ? {} : { after }) };
    for await (const entry of admin.management(fetcher).events(account, options)) onEntry(entry);
  };
  const start = (account: AccountId, retries: number, after?: number): boolean => {
    if (accounts.has(account) || accounts.size >= MAX_FEEDS) return false;
    accounts.add(account);
    const connected = Promise.withResolvers<void>();
    answered.set(account, connected.promise);
    const run = async (retriesLeft: number): Promise<void> => {
      try {
        await follow(account, after, connected.resolve);
      } catch (thrown) {
        if (retriesLeft <= 0 || !isRefusal(cliErrorOf(thrown), 'unknown_account')) throw thrown;
        await pause(JOIN_PAUSE_MS, undefined, { signal, ref: false });
        await run(retriesLeft - 1);
      }
    };
    run(retries).catch((thrown: unknown) => {
      connected.resolve();
      over.reject(cliErrorOf(thrown));
    });
    return true;
  };

  return {
    accounts,
    over: over.promise,
    open: (account, after) => start(account, 0, after),
    join: (account) => start(account, JOIN_RETRIES),
    connected: async () => {
      const timeout = pause(CONNECT_MS, undefined, { signal, ref: false });
      await Promise.race([Promise.all(answered.values()), timeout]);
    },
  };
};

/** Items of several feeds in the order of their times. */
export type Sequence<T> = {
  add(item: T): void;
  /** Passes on all waiting items at once, before the command ends. */
  flush(): void;
};

/**
 * Holds each item for `holdMs`, then passes on all waiting items that are no later, oldest first. Race: feeds answer independently, so
 * the earliest entry may arrive last. An item that arrives later than the hold passes when its own hold ends.
 */
export const createSequence = <T>(
  holdMs: number,
  timeOf: (item: T) => number,
  pass: (item: T) => void,
): Sequence<T> => {
  let waiting: readonly T[] = [];
  const passUpTo = (time: number): void => {
    const due = waiting.filter((item) => timeOf(item) <= time);
    waiting = waiting.filter((item) => timeOf(item) > time);
    // `toSorted` is stable: items of one second keep the order of their log.
    for (const item of due.toSorted((one, other) => timeOf(one) - timeOf(other))) pass(item);
  };
  return {
    add: (item) => {
      waiting = [...waiting, item];
      setTimeout(() => passUpTo(timeOf(item)), holdMs);
    },
    flush: () => passUpTo(Number.POSITIVE_INFINITY),
  };
};
