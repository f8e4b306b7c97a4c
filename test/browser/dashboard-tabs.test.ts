import type { BrowserContext, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { useSharedStack } from './browser-stack.ts';
import { open, read, signInAs } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';
import { addSigningWallet } from './signing-wallet.ts';

const local = useSharedStack();
const LATE = { timeout: 30_000 };

/** Opens the dashboard in another tab of a browser. */
const openTab = async (context: BrowserContext): Promise<Page> => {
  const tab = await context.newPage();
  await tab.goto(`${local.stack.gateway.url}/dashboard`);
  return tab;
};

const isIn = async (page: Page, who: 'operator' | 'owner'): Promise<void> =>
  await page.getByRole('navigation').getByText(who, { exact: false }).first().waitFor(LATE);

const isOut = async (page: Page): Promise<void> =>
  await page.getByText('Sign in to see').waitFor(LATE);

/** Signs out as another tab would, but without its message, then shows the page again as the back/forward cache does. */
const MISS_SIGN_OUT = `(async () => {
  const opened = indexedDB.open('countersign');
  await new Promise((resolve) => { opened.onsuccess = resolve; });
  const transaction = opened.result.transaction('sessions', 'readwrite');
  transaction.objectStore('sessions').clear();
  await new Promise((resolve) => { transaction.oncomplete = resolve; });
  opened.result.close();
  dispatchEvent(new Event('pageshow'));
})()`;

const SHOWN_AGAIN = `dispatchEvent(new Event('pageshow'))`;

describe('two tabs', () => {
  it('of one wallet share its session, and sign out together while the gateway does not answer', async () => {
    const { page } = await signInAs(local, 'operator');
    const other = await openTab(page.context());
    await isIn(other, 'operator');
    await open(other, 'Settings');
    const hang = Promise.withResolvers<void>();
    await page.route('**/session', async (route) => {
      await hang.promise;
      await route.continue();
    });
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await isOut(page);
    await isOut(other);
    expect(await other.locator('body').innerText()).not.toContain('operator 0x');
    expect(await other.title()).toBe(new URL(local.stack.gateway.url).host);
    await other.reload();
    await isOut(other);
    hang.resolve();
  });

  it('that are signed out are both in after one signs in', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await isOut(page);
    const other = await openTab(page.context());
    await isOut(other);
    await other.getByRole('button', { name: 'Local owner' }).click();
    await isIn(other, 'owner');
    await isIn(page, 'owner');
  });

  it('are both out after one signed out while the other was frozen', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.evaluate(MISS_SIGN_OUT);
    await isOut(page);
  });

  it('show nothing of one wallet to another that was asked to sign in before', async () => {
    const signature = Promise.withResolvers<void>();
    const context = await local.browser.newContext({ viewport: { width: 1280, height: 900 } });
    await addSigningWallet(context, people.owner.privateKey, local.stack.chain.rpc, {
      before: async (method) => {
        if (method === 'eth_signTypedData_v4') await signature.promise;
      },
    });
    const [page, other] = [await openTab(context), await openTab(context)];
    await page.getByRole('button', { name: 'Test Wallet' }).click(LATE);
    await page.getByText('Confirm in the wallet').waitFor(LATE);
    await other.getByRole('button', { name: 'Local operator' }).click();
    await isIn(page, 'operator');
    await read(page);
    // The gateway does not answer for the next account, so its role stays unknown.
    await page.route('**/session', async () => undefined);
    signature.resolve();
    const navigation = page.getByRole('navigation');
    const account = `eip155:84532:${people.owner.address.toLowerCase()}`;
    await navigation.locator(`code[title="${account}"]`).first().waitFor(LATE);
    expect(await navigation.innerText()).not.toMatch(/operator|Settlements/);
    expect(await page.getByRole('main').innerText()).not.toContain('Charged');
  });

  it('of two wallets keep their own, also after a reload and after the other signed out', async () => {
    const { page } = await signInAs(local, 'operator');
    const other = await page.context().newPage();
    // A tab that has signed out once waits until its own user signs in.
    await other.addInitScript(`sessionStorage.getItem('countersign-account') ??
      sessionStorage.setItem('countersign-account', '')`);
    await other.goto(`${local.stack.gateway.url}/dashboard`);
    await isOut(other);
    await other.getByRole('button', { name: 'Local owner' }).click();
    await isIn(other, 'owner');
    await isIn(page, 'operator');
    await page.reload();
    await isIn(page, 'operator');
    await other.reload();
    await isIn(other, 'owner');
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await isOut(page);
    await open(other, 'Settings');
    await other.reload();
    await isIn(other, 'owner');
    await page.reload();
    await isOut(page);
  });
});

describe('two browsers of one wallet', () => {
  it('are both signed out by the one that signs out everywhere', async () => {
    const { page } = await signInAs(local, 'operator');
    const { page: lost } = await signInAs(local, 'operator');
    const tab = await openTab(page.context());
    await isIn(tab, 'operator');
    await open(page, 'Settings');
    await page.getByRole('button', { name: 'Sign out everywhere' }).click();
    const dialog = page.getByRole('dialog', { name: 'Sign out everywhere?' });
    await dialog.getByText('Running agents are not touched').waitFor(LATE);
    await inEveryLook(page, 'settings-sessions');
    const refused = lost.waitForResponse(
      async (answer) => answer.status() === 401 && (await answer.text()).includes('session-ended'),
      LATE,
    );
    await dialog.getByRole('button', { name: 'Sign out with the wallet' }).click();
    await isOut(page);
    await isOut(tab);
    const ended = lost.getByText('Your session has ended.');
    const agents = lost.getByRole('navigation').getByRole('link', { name: 'Agents', exact: true });
    // The page may have sent a read by itself meanwhile.
    await agents.or(ended).first().click(LATE);
    await refused;
    await ended.waitFor(LATE);
  });
});

/** Scripts that run before the page's own. */
const DENIED = `
  const deny = () => { throw new DOMException('denied', 'SecurityError'); };
  for (const name of ['sessionStorage', 'localStorage', 'indexedDB']) {
    Object.defineProperty(globalThis, name, { get: deny });
  }
  navigator.locks.request = async () => deny();`;
const HANGING = `IDBFactory.prototype.open = () => ({});`;

describe.each([
  ['denies storage', DENIED],
  ['gets no answer from its database', HANGING],
])('a browser that %s', (_, script) => {
  it('signs in, opens pages and stays signed in all the same', async () => {
    const context = await local.browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript(script);
    const page = await openTab(context);
    await page.getByRole('button', { name: 'Local owner' }).click(LATE);
    await isIn(page, 'owner');
    await open(page, 'Agents');
    await page.evaluate(SHOWN_AGAIN);
    await open(page, 'Settings');
    await isIn(page, 'owner');
  });
});

describe('a session', () => {
  it('is read again where the clocks differ and its account was asleep', async () => {
    const reasons = [
      { status: 401, type: 'invalid-session' },
      { status: 409, type: 'session-repeat' },
    ];
    const { page } = await signInAs(local, 'owner');
    await page.route('**/session', async (route) => {
      const reason = reasons.shift();
      if (reason === undefined) return await route.continue();
      const type = `urn:countersign:problem:${reason.type}`;
      return await route.fulfill({ status: reason.status, json: { type } });
    });
    await page.reload();
    // Before the page knows the role, it shows only its title.
    await page.getByRole('link', { name: 'Make an agent' }).first().waitFor(LATE);
    expect(reasons).toEqual([]);
  });
});
