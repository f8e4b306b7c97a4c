import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accountOf } from '../../../../src/dashboard/session/stored-session.ts';
import { runs } from '../../../support/runs.ts';
import { createTabs, NOW, sessionOf } from './tabs.ts';

const TABS = 3;
const WALLETS = ['aa', 'bb'] as const;

type Step = {
  readonly tab: number;
  readonly act: (typeof WALLETS)[number] | 'out' | 'reload' | 'end' | 'thaw' | 'run';
  readonly pick: number;
};

const steps = fc.array(
  fc.record<Step>({
    tab: fc.nat(TABS - 1),
    act: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('aa', 'bb', 'out', 'reload', 'end', 'thaw') },
      { weight: 2, arbitrary: fc.constant('run') },
    ),
    pick: fc.nat(99),
  }),
  { minLength: 10, maxLength: 80, size: 'max' },
);

const MANY_RUNS = { minLength: 40, maxLength: 80, size: 'max' } as const;

/** Runs the steps. They also determine the order of the store's answers and of the messages. */
const play = async (taken: readonly Step[]) => {
  const browser = createTabs(TABS);
  let key = 0;
  for (const { tab, act, pick } of taken) {
    key += 1;
    const { session, end, leave } = browser.tab(tab);
    if (act === 'run') await browser.run(pick);
    else if (act === 'reload') browser.reload(tab);
    else if (act === 'thaw') browser.thaw(tab);
    else if (act === 'out') {
      if (session.value.state === 'in') void leave();
    } else if (act === 'end') {
      if (session.value.state === 'in') end(session.value.session.key.publicKey);
    } else if (session.value.state === 'out' || session.value.state === 'ended') {
      browser.signIn(tab, sessionOf(act, key, NOW - 100 + key));
    }
  }
  return browser;
};

const playToTheEnd = async (taken: readonly Step[]) => {
  const browser = await play(taken);
  await browser.settle();
  return browser;
};

const selves = ({ tab }: ReturnType<typeof createTabs>) =>
  Array.from({ length: TABS }, (_, at) => tab(at).self.value);

describe('tabs of one browser', () => {
  it('never change to the account that another tab signed in, in any order of events', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        expect((await playToTheEnd(taken)).swapped).toEqual([]);
      }),
      { numRuns: runs(500, 60) },
    );
  });

  it('share the stored session of their account in the end', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (taken) => {
        // If a page reloads after it stored its session and before its message to the other tabs, they keep the previous session.
        const browser = await playToTheEnd(taken.filter(({ act }) => act !== 'reload'));
        for (let at = 0; at < TABS; at += 1) {
          const { value } = browser.tab(at).session;
          if (value.state !== 'in') continue;
          const stored = browser.stored.get(accountOf(value.session));
          // A sign-out that is concurrent with the sign-in may have deleted the key. Then the session lasts until a reload.
          if (stored === undefined) continue;
          expect(stored.key.publicKey).toBe(value.session.key.publicKey);
        }
      }),
      { numRuns: runs(500, 60) },
    );
  });

  it('sign out together, and leave no key of that account', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.nat(TABS - 1), async (taken, at) => {
        const browser = await playToTheEnd(taken);
        const account = browser.tab(at).self.value;
        const others = selves(browser).filter((self) => self !== account);
        void browser.tab(at).leave();
        expect(browser.tab(at).session.value.state).toBe('out');
        await browser.settle();
        expect(selves(browser).filter((self) => self !== undefined)).toEqual(
          others.filter((self) => self !== undefined),
        );
        if (account !== undefined) expect(browser.stored.has(account)).toBe(false);
      }),
      { numRuns: runs(500, 60) },
    );
  });

  it('stay signed out, whatever was on its way when one of them signed out', async () => {
    await fc.assert(
      fc.asyncProperty(
        steps,
        fc.nat(TABS - 1),
        fc.array(fc.nat(99), MANY_RUNS),
        async (taken, at, picks) => {
          const browser = await play(taken);
          const account = browser.tab(at).self.value;
          void browser.tab(at).leave();
          for (const pick of picks) await browser.run(pick);
          await browser.settle();
          if (account === undefined) return;
          expect(selves(browser)).not.toContain(account);
          expect(browser.stored.has(account)).toBe(false);
        },
      ),
      { numRuns: runs(1000, 100) },
    );
  });

  it('that were frozen while another one signed out are out when they are shown again', async () => {
    const browser = createTabs(2);
    browser.signIn(0, sessionOf('aa', 1));
    await browser.settle();
    browser.freeze(1);
    void browser.tab(0).leave();
    await browser.settle();
    expect(browser.tab(1).session.value.state).toBe('in');
    browser.thaw(1);
    await browser.settle();
    expect(browser.tab(1).session.value.state).toBe('out');
  });

  it('that were frozen use the newer session of their account when they are shown again', async () => {
    const browser = createTabs(2);
    browser.signIn(0, sessionOf('aa', 1));
    await browser.settle();
    browser.freeze(1);
    browser.signIn(0, sessionOf('aa', 2));
    await browser.settle();
    browser.thaw(1);
    await browser.settle();
    expect(browser.tab(1).session.value).toMatchObject({
      state: 'in',
      session: { key: { publicKey: sessionOf('aa', 2).key.publicKey } },
    });
  });

  it('stay signed in when they are shown again in a browser that could not store the session', async () => {
    const browser = createTabs(1, { isFull: true });
    await browser.settle();
    browser.signIn(0, sessionOf('aa', 1));
    await browser.settle();
    browser.thaw(0);
    await browser.settle();
    expect(browser.tab(0).session.value.state).toBe('in');
  });

  it('that are signed out use the sign-in of another tab', async () => {
    const browser = createTabs(TABS);
    await browser.settle();
    const session = sessionOf('aa', 1);
    browser.signIn(0, session);
    await browser.settle();
    expect(selves(browser)).toEqual(Array(TABS).fill(accountOf(session)));
  });

  it('of two wallets keep each its own after a reload; a new tab takes the newest', async () => {
    const browser = createTabs(2);
    await browser.settle();
    browser.signIn(0, sessionOf('aa', 1));
    browser.signIn(1, sessionOf('bb', 2, NOW - 10));
    await browser.settle();
    browser.reload(0);
    browser.reload(1);
    await browser.settle();
    const [first, second, third] = [browser.tab(0), browser.tab(1), browser.tab(2)];
    await browser.settle();
    expect(first.self.value).toBe(accountOf(sessionOf('aa', 1)));
    expect(second.self.value).toBe(accountOf(sessionOf('bb', 2)));
    expect(third.self.value).toBe(accountOf(sessionOf('aa', 1)));
  });

  it('continue no session that has expired', async () => {
    const browser = createTabs(1);
    await browser.settle();
    browser.signIn(0, sessionOf('aa', 1, NOW - 28_800));
    await browser.settle();
    browser.reload(0);
    await browser.settle();
    expect(browser.tab(0).session.value.state).toBe('out');
  });
});
