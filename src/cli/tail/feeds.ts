import type { EntryEvent } from '../../client/management-events.ts';
import type { AccountId } from '../../core/account-id.ts';
import { errorOf, type Office } from '../manage/office.ts';

/** Several feeds as one. */
export type Feeds = {
  /** Opens the feed of one more account; false where it is open already, or there are too many. */
  open(account: AccountId): boolean;
  /** Resolves when every feed that was opened so far has been answered. */
  connected(): Promise<void>;
  readonly accounts: ReadonlySet<AccountId>;
  /** Ends when the first feed ends for good, with its error. */
  readonly over: Promise<never>;
};

/** Each is a connection that stays, and a question that waits at an account. */
export const MOST_FEEDS = 50;
const CONNECT_MS = 10_000;

export const openFeeds = (office: Office, heard: (entry: EntryEvent) => void): Feeds => {
  const { signal } = office.session;
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
    for await (const entry of office.management(fetcher).events(account, { signal })) heard(entry);
  };
  return {
    accounts,
    over: over.promise,
    open: (account) => {
      if (accounts.has(account) || accounts.size >= MOST_FEEDS) return false;
      accounts.add(account);
      const connected = Promise.withResolvers<void>();
      answered.set(account, connected.promise);
      follow(account, connected.resolve).catch((thrown: unknown) => {
        connected.resolve();
        over.reject(errorOf(thrown));
      });
      return true;
    },
    connected: async () => {
      const late = new Promise<void>((resolve) => {
        setTimeout(resolve, CONNECT_MS).unref();
      });
      await Promise.race([Promise.all(answered.values()), late]);
    },
  };
};
