import { effect } from '@preact/signals';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import {
  accountOf,
  type SessionStore,
  type StoredSession,
} from '../../../../src/dashboard/session/stored-session.ts';
import {
  createTabSession,
  type SessionMessage,
  type TabSession,
} from '../../../../src/dashboard/session/tab-session.ts';

export const NOW = 1_800_000_000;

/** A session of the wallet `0xaa…` or `0xbb…`, with the key of this number. */
export const sessionOf = (wallet: 'aa' | 'bb', key: number, from = NOW): StoredSession => {
  const address: Hex = `0x${wallet.repeat(20)}`;
  const publicKey: Hex = `0x${String(key).padStart(64, '0')}`;
  return {
    key: { privateKey: {} as CryptoKey, publicKey, keyId: publicKey },
    wallet: { id: 'test', address },
    signed: {
      chainId: 84_532,
      signature: '0x',
      session: {
        account: address,
        audience: 'https://gw.example',
        scope: 'read',
        key: publicKey,
        validAfter: BigInt(from),
        validBefore: BigInt(from + 28_800),
      },
    },
  };
};

/**
 * A browser with some tabs. Each asynchronous step waits until `run` releases it: each transaction of the store, its answer, and each
 * message. Messages from one tab to another stay in order.
 */
export const createTabs = (count: number, { isFull = false } = {}) => {
  const waiting: (() => void)[] = [];
  const stored = new Map<AccountId, StoredSession>();
  /** Changes of a tab from one account to another that its user did not make in that tab. */
  const swapped: string[] = [];
  const channels = new Map<string, SessionMessage[]>();
  /** Tabs in the back/forward cache, which receive no messages. */
  const frozen = new Set<number>();

  const pause = async (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
  const rest = async (): Promise<void> => {
    for (let turn = 0; turn < 30; turn += 1) await Promise.resolve();
  };
  const tabs: { current: TabSession; load: number; entering: boolean; kept: string | null }[] = [];

  const storeOf = (at: number, load: number): SessionStore => {
    let last: Promise<void> = Promise.resolve();
    let answered: Promise<void> = Promise.resolve();
    const transaction = async <T>(act: () => T): Promise<T> => {
      // IndexedDB runs a page's transactions in the order in which the page started them, and answers in the same order.
      last = last.then(pause);
      await last;
      const isGone = tabs[at]?.load !== load;
      const result = isGone ? undefined : act();
      answered = answered.then(pause);
      await answered;
      // A page that the user has left gets no answer.
      return tabs[at]?.load === load ? (result as T) : new Promise<never>(() => undefined);
    };
    return {
      all: async () => transaction(() => [...stored.values()]),
      keep: async (session) =>
        isFull
          ? await Promise.reject(new Error('The disk is full.'))
          : await transaction(() => stored.set(accountOf(session), session)),
      forget: async (account) => transaction(() => stored.delete(account)),
      forgetOne: async (session) =>
        transaction(() => {
          const account = accountOf(session);
          const isFound = stored.get(account)?.key.publicKey === session.key.publicKey;
          return isFound && stored.delete(account);
        }),
    };
  };

  const deliver = async (from: number, to: number): Promise<void> => {
    await pause();
    const message = channels.get(`${from} ${to}`)?.shift();
    if (message !== undefined && !frozen.has(to)) tabs[to]?.current.receive(message);
  };

  const open = (at: number): TabSession => {
    const load = (tabs[at]?.load ?? 0) + 1;
    const current = createTabSession({
      store: storeOf(at, load),
      post: (message) => {
        if (tabs[at]?.load !== load) return;
        for (const [to] of tabs.entries()) {
          if (to === at) continue;
          const channel = `${at} ${to}`;
          channels.set(channel, [...(channels.get(channel) ?? []), message]);
          void deliver(at, to);
        }
      },
      recall: () => tabs[at]?.kept ?? null,
      remember: (account) => {
        const tab = tabs[at];
        if (tab?.load === load) tab.kept = account;
      },
      now: () => NOW,
    });
    let shown: AccountId | undefined;
    effect(() => {
      const next = current.self.value;
      if (shown !== undefined && next !== undefined && next !== shown && !tabs[at]?.entering) {
        swapped.push(`tab ${at}: ${shown} to ${next}`);
      }
      shown = next;
    });
    tabs[at] = { current, load, entering: false, kept: tabs[at]?.kept ?? null };
    void current.resume();
    return current;
  };
  for (let at = 0; at < count; at += 1) open(at);

  return {
    stored,
    swapped,
    tab: (at: number): TabSession => tabs[at]?.current ?? open(at),
    signIn: (at: number, session: StoredSession): void => {
      const tab = tabs[at];
      if (tab === undefined) return;
      tab.entering = true;
      void tab.current.enter(session);
      tab.entering = false;
    },
    reload: (at: number): void => void open(at),
    freeze: (at: number): void => void frozen.add(at),
    thaw: (at: number): void => {
      frozen.delete(at);
      void tabs[at]?.current.recheck();
    },
    /** Releases one of the waiting steps. */
    run: async (pick: number): Promise<void> => {
      const [next] = waiting.splice(waiting.length === 0 ? 0 : pick % waiting.length, 1);
      next?.();
      await rest();
    },
    /** Releases all waiting steps, in order. */
    settle: async (): Promise<void> => {
      await rest();
      while (waiting.length > 0) {
        waiting.shift()?.();
        await rest();
      }
    },
  };
};
