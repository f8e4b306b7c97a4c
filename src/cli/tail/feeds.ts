import { setTimeout as pause } from 'node:timers/promises';
import type { EntryEvent } from '../../client/management-events.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { errorOf, type AdminClient } from '../lib/admin-client.ts';
import { isRefusal } from '../lib/refusal.ts';

/** Several feeds as one. */
export type Feeds = {
  /** Opens the feed of one more account; false where it is open already, or there are too many. */
  open(account: AccountId): boolean;
  /** As `open`, of an account that is just being granted something: its issuer's log may say so a moment before its own. */
  join(account: AccountId): boolean;
  /** Resolves when every feed that was opened so far has been answered. */
  connected(): Promise<void>;
  readonly accounts: ReadonlySet<AccountId>;
  /** Ends when the first feed ends for good, with its error. */
  readonly over: Promise<never>;
};

/** Each is a connection that stays, and a question that waits at an account. */
export const MOST_FEEDS = 50;
const CONNECT_MS = 10_000;
const JOIN_TRIES = 10;
const JOIN_PAUSE_MS = 500;

export const openFeeds = (admin: AdminClient, heard: (entry: EntryEvent) => void): Feeds => {
  const { signal } = admin.session;
  const accounts = new Set<AccountId>();
  const answered = new Map<AccountId, Promise<void>>();
  const over = Promise.withResolvers<never>();
  over.promise.catch(() => undefined);

  const follow = async (account: AccountId, connected: () => void): Promise<void> => {
    // The feed begins with what happens after its answer: nobody is told that we watch before.
    const fetcher: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      if (response.ok) connected();
      return response;
    };
    for await (const entry of admin.management(fetcher).events(account, { signal })) heard(entry);
  };
  /** `patience`: how often the account may be unknown before that is an error. */
  const start = (account: AccountId, patience: number): boolean => {
    if (accounts.has(account) || accounts.size >= MOST_FEEDS) return false;
    accounts.add(account);
    const connected = Promise.withResolvers<void>();
    answered.set(account, connected.promise);
    const run = async (left: number): Promise<void> => {
      try {
        await follow(account, connected.resolve);
      } catch (thrown) {
        if (left <= 0 || !isRefusal(errorOf(thrown), 'unknown_account')) throw thrown;
        await pause(JOIN_PAUSE_MS, undefined, { signal, ref: false });
        await run(left - 1);
      }
    };
    run(patience).catch((thrown: unknown) => {
      connected.resolve();
      over.reject(errorOf(thrown));
    });
    return true;
  };

  return {
    accounts,
    over: over.promise,
    open: (account) => start(account, 0),
    join: (account) => start(account, JOIN_TRIES),
    connected: async () => {
      const late = new Promise<void>((resolve) => {
        setTimeout(resolve, CONNECT_MS).unref();
      });
      await Promise.race([Promise.all(answered.values()), late]);
    },
  };
};
