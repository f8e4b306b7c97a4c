import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { accountOf, type SessionStore, type StoredSession } from './stored-session.ts';

/** `unknown` until the store has answered. `ended`: the gateway refused it; the page keeps what a person has typed. */
export type SessionState =
  | { readonly state: 'unknown' | 'out' }
  | { readonly state: 'in' | 'ended'; readonly session: StoredSession };

/** A message of a tab to the other tabs: an account signed in, or out, in this browser. */
export type SessionMessage = { readonly is: 'in' | 'out'; readonly account: AccountId };

/** The surroundings of a tab: the store and the messages are shared with the other tabs, the account to recall is its own. */
export type TabSurroundings = {
  readonly store: SessionStore;
  readonly post: (message: SessionMessage) => void;
  /** The account of this tab before it was loaded again: empty after signing out, null in a new tab. */
  readonly recall: () => string | null;
  readonly remember: (account: AccountId | '') => void;
  readonly now: () => Seconds;
};

/** The session of one tab. */
export type TabSession = {
  readonly session: ReadonlySignal<SessionState>;
  /** The account that is signed in. */
  readonly self: ReadonlySignal<AccountId | undefined>;
  /** Continues the session of this tab, or in a new tab the newest one of the browser. */
  readonly resume: () => Promise<void>;
  readonly enter: (session: StoredSession) => Promise<void>;
  /** Marks the session with this key as refused by the gateway. */
  readonly end: (key: Hex) => void;
  /** Signs the account out in all tabs of this browser, and deletes its key. @returns the session, which the gateway does not know to be over */
  readonly leave: () => Promise<StoredSession | undefined>;
  /** Called with what another tab posted. */
  readonly receive: (message: SessionMessage) => void;
  /** Compares the session with the stored one. Called when the page is shown again: while it was frozen, it missed what other tabs posted. */
  readonly recheck: () => Promise<void>;
};

/**
 * Tabs of one account share its newest session, and sign out together.
 *
 * Race: the store answers late, and messages of several tabs arrive in any order. A tab takes over a session only if it shows the same
 * account or has stayed signed out meanwhile; a sign-out is posted after the key was deleted. So no tab switches accounts while it shows
 * data, and no session reappears after a sign-out.
 */
export const createTabSession = ({
  store,
  post,
  recall,
  remember,
  now,
}: TabSurroundings): TabSession => {
  const session = signal<SessionState>({ state: 'unknown' });
  /** The last key in the store. A session that was never stored does not end because the store lacks it. */
  let storedKey: Hex | undefined;
  const current = (): StoredSession | undefined => {
    const { value } = session;
    return value.state === 'in' || value.state === 'ended' ? value.session : undefined;
  };
  const self = computed(() => {
    const stored = current();
    return stored && accountOf(stored);
  });
  const show = (next: StoredSession | undefined): void => {
    remember(next === undefined ? '' : accountOf(next));
    session.value = next === undefined ? { state: 'out' } : { state: 'in', session: next };
  };
  const take = (next: StoredSession): void => {
    // Setting the same session again would make every page read again.
    const isShown = session.value.state === 'in' && current()?.key.publicKey === next.key.publicKey;
    if (!isShown) show(next);
  };
  // A browser that keeps nothing has no stored session.
  const stored = async (): Promise<readonly StoredSession[]> =>
    (await store.all().catch(() => [])).filter(
      ({ signed }) => Number(signed.session.validBefore) > now(),
    );
  const adopt = async (account: AccountId): Promise<void> => {
    const before = session.value;
    const found = (await stored()).find((each) => accountOf(each) === account);
    const isOwn = self.value === account;
    if (found === undefined || (!isOwn && session.value !== before)) return;
    storedKey = found.key.publicKey;
    take(found);
  };
  /** Deletes what this tab stored while another one signed out, and tells the tabs that have read it meanwhile. */
  const forgetLate = async (own: StoredSession): Promise<void> => {
    const isDeleted = await store.forgetOne(own).catch(() => false);
    if (isDeleted && self.value === undefined) post({ is: 'out', account: accountOf(own) });
  };
  return {
    session,
    self,
    resume: async () => {
      for (;;) {
        const before = session.value;
        const known = (await stored()).toSorted((a, b) =>
          Number(b.signed.session.validAfter - a.signed.session.validAfter),
        );
        const account = recall();
        // A message that arrived meanwhile may concern the value just read.
        if (session.value !== before) continue;
        const found = known.find((each) => account === null || accountOf(each) === account);
        storedKey = found?.key.publicKey;
        show(found);
        return;
      }
    },
    enter: async (own) => {
      const account = accountOf(own);
      show(own);
      const isStored = await store.keep(own).then(
        () => true,
        () => false,
      );
      if (isStored) storedKey = own.key.publicKey;
      if (self.value !== account) {
        await forgetLate(own);
        return;
      }
      take(own);
      post({ is: 'in', account });
      await adopt(account);
    },
    end: (key) => {
      const { value } = session;
      // An answer to a request of an earlier session does not concern this one.
      if (value.state !== 'in' || value.session.key.publicKey !== key) return;
      session.value = { state: 'ended', session: value.session };
    },
    leave: async () => {
      const own = current();
      show(undefined);
      if (own === undefined) return undefined;
      const account = accountOf(own);
      await store.forget(account).catch(() => undefined);
      post({ is: 'out', account });
      return own;
    },
    receive: ({ is, account }) => {
      const { state } = session.value;
      const own = current();
      if (state === 'unknown') session.value = { state };
      else if (is === 'in' && (state === 'out' || self.value === account)) void adopt(account);
      else if (is === 'out' && own !== undefined && self.value === account) {
        show(undefined);
        void forgetLate(own);
      } else if (is === 'out' && state === 'out') session.value = { state };
    },
    recheck: async () => {
      const before = session.value;
      const own = current();
      const known = await store.all().catch(() => undefined);
      if (known === undefined || own === undefined || session.value !== before) return;
      if (storedKey !== own.key.publicKey) return;
      const found = known.find((each) => accountOf(each) === accountOf(own));
      if (found === undefined) show(undefined);
      else if (found.key.publicKey !== own.key.publicKey) await adopt(accountOf(own));
    },
  };
};
