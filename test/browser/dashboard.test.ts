import type { Request as PageRequest } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createManagement } from '../../src/client/management.ts';
import { axe } from './axe.ts';
import { useBrowserStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { open, read, signInAs, visit } from './dashboard-page.ts';
import { SCROLL_WIDTH } from './in-page.ts';
import { inEveryLook } from './looks.ts';
import { picture } from './pictures.ts';

const local = useBrowserStack();

const AGENT = `eip155:84532:${people.agent.address.toLowerCase()}`;

/** Sets the tab's visibility as the page reads it. */
const visible = (state: 'visible' | 'hidden'): string => `
  Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
`;

beforeAll(async () => await buy(local.stack, people.agent, ['river', 'bank', 'edge']));

describe('the dashboard', () => {
  it('signs in with one signature, and shows the calls of all accounts to an operator', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    await expect
      .poll(() => page.getByText('lookup').count(), { timeout: 30_000 })
      .toBeGreaterThan(0);
    expect(complaints).toEqual([]);
  });

  it('keeps its data while nothing changes, and says when it read them last', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    const statuses: number[] = [];
    page.on('response', (answer) => {
      if (new URL(answer.url()).pathname === '/admin/overview') statuses.push(answer.status());
    });
    const readAgain = async () => {
      const answer = page.waitForResponse(/\/admin\/overview/);
      await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
      return (await answer).status();
    };
    // The last chunk of entries may still be on its way to D1.
    await expect.poll(readAgain, { timeout: 60_000, interval: 2_000 }).toBe(304);
    const readAt = page.locator('.age').first();
    const before = await readAt.getAttribute('title');
    expect(await page.locator('.age').count()).toBe(1);
    await expect
      .poll(async () => [await readAgain(), (await readAt.getAttribute('title')) !== before], {
        timeout: 30_000,
        interval: 1_000,
      })
      .toEqual([304, true]);
    const agents = page.getByRole('table', { name: 'Spending by agent' });
    expect(await agents.getByRole('link').count()).toBeGreaterThan(0);
    expect(statuses.filter((status) => status !== 200 && status !== 304)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('reads nothing while its tab is hidden, and again once it is shown', async () => {
    const context = await local.browser.newContext();
    const { page } = await signInAs(local, 'operator', context);
    await page.clock.install();
    const begun: string[] = [];
    const inFlight = new Set<PageRequest>();
    page.on('request', (request) => {
      begun.push(request.url());
      inFlight.add(request);
    });
    page.on('requestfinished', (request) => inFlight.delete(request));
    page.on('requestfailed', (request) => inFlight.delete(request));
    const feed = page.waitForRequest(/\/events/);
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${AGENT}`);
    await feed;
    await read(page);
    const standings = (): number => begun.filter((url) => url.endsWith(AGENT)).length;
    const before = standings();
    await page.clock.runFor(60_000);
    await expect.poll(standings, { timeout: 30_000 }).toBeGreaterThan(before);
    await page.evaluate(visible('hidden'));
    // The page closes its feed and repeats no open read.
    let known = -1;
    const isQuiet = (): boolean => {
      const isSame = begun.length === known;
      known = begun.length;
      return isSame && inFlight.size === 0;
    };
    await expect.poll(isQuiet, { timeout: 30_000, interval: 500 }).toBe(true);
    await page.clock.runFor(600_000);
    expect(begun.slice(known)).toEqual([]);
    const again = [
      page.waitForRequest(/\/events/),
      page.waitForRequest((each) => each.url().endsWith(AGENT)),
    ];
    await page.evaluate(visible('visible'));
    await Promise.all(again);
  });

  it('says once that the gateway does not answer, keeps its data, and continues when it does', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.getByRole('table', { name: 'Spending by agent' }).waitFor();
    await page.route('**/admin/**', async (route) => await route.abort());
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`);
    await page.getByText('What you see is from').waitFor();
    expect(await page.getByRole('alert').count()).toBe(1);
    expect(await page.getByRole('table', { name: 'Spending by agent' }).count()).toBe(1);
    await page.unroute('**/admin/**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('What you see is from').waitFor({ state: 'detached' });
  });

  it('names a tool that fails today and a log that is behind, where each is looked into', async () => {
    const { page } = await signInAs(local, 'operator');
    const answer = (items: readonly object[]) => ({
      contentType: 'application/json',
      body: JSON.stringify({ from: '2026-01-01', to: '2026-01-01', items, of: items.length }),
    });
    await page.route('**/admin/spend?*order=failed*', async (route) => {
      const counts = { calls: 20, failed: 13, denied: 0, charged: '7000' };
      await route.fulfill(answer([{ key: 'lookup', ...counts }]));
    });
    await page.route('**/entries?*rule=log_behind*', async (route) => {
      await route.fulfill(answer([{ type: 'alert.raised', rule: 'log_behind' }]));
    });
    await page.reload();
    const matters = page.getByRole('region', { name: 'Needs attention' });
    const failing = matters.getByRole('link', {
      name: /^13 of 20 calls of lookup failed today \(65.%\)$/,
    });
    await failing.waitFor();
    expect(await failing.getAttribute('href')).toMatch(
      /\/calls\?tool=lookup&from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d&outcome=failed$/,
    );
    const lag = matters.getByRole('link', { name: /^The log is behind/ });
    expect(await lag.getAttribute('href')).toMatch(/\/audit$/);
  });

  it('paints its navigation and the title of the page while the gateway is slow', async () => {
    const { page } = await signInAs(local, 'operator');
    const held = Promise.withResolvers<void>();
    await page.route('**/session', async (route) => {
      await held.promise;
      await route.continue();
    });
    const answer = page.waitForResponse('**/session');
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    expect(await page.getByRole('link', { name: 'Settlements' }).count()).toBe(1);
    held.resolve();
    await answer;
    await page.getByRole('table', { name: 'Spending by agent' }).waitFor();
  });

  it('tells a person who cannot sign in that the gateway does not answer', async () => {
    const { page } = await visit(local);
    await page.route('**/.well-known/agent-intent', async (route) => await route.abort());
    await page.reload();
    await page.getByText('The gateway did not answer. Reload the page to sign in.').waitFor();
    expect(await page.getByRole('button', { name: 'Local operator' }).isDisabled()).toBe(true);
  });

  it('continues after a reload, and needs a new signature after signing out', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.reload();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
    // The focus moves to the heading of the sign-in page, so that keyboard users continue there.
    await page.locator('h1:focus').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
  });

  it('shows a new owner what each page will be, and how to make an agent', async () => {
    const { page, complaints } = await signInAs(local, 'owner');
    for (const name of ['Calls', 'Spending', 'Denials', 'Overview']) {
      await open(page, name);
      await page.getByText('You have no agents yet.').waitFor();
      expect(await page.getByRole('alert').count()).toBe(0);
    }
    await inEveryLook(page, 'no-agents-yet');
    for (const [name, text] of [
      ['Agents', 'No agents yet.'],
      ['Approvals', 'No calls are waiting for approval.'],
      ['Settings', 'You can add webhooks once your account exists.'],
    ] as const) {
      await open(page, name);
      await page.getByText(text).waitFor();
    }
    await open(page, 'Overview');
    await page.getByRole('link', { name: 'Make an agent' }).click();
    await page.getByRole('heading', { level: 1, name: 'New agent' }).waitFor();
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
  });

  it('has no fault that axe finds, in any width and scheme', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
    for (const name of ['Overview', 'Agents', 'Calls', 'Settlements', 'Approvals']) {
      await open(page, name);
      await inEveryLook(page, name.toLowerCase());
    }
    await open(page, 'Agents');
    await page.getByRole('table').getByRole('link').first().click();
    await page.getByText('Money and limits').waitFor();
    await read(page);
    await inEveryLook(page, 'agent');
    expect(complaints).toEqual([]);
  });
});

/** A script that returns by how many pixels the navigation's content is wider than the navigation. */
const OVERFLOW = `(() => {
  const nav = document.querySelector('nav');
  return nav.scrollWidth - nav.clientWidth;
})()`;

/** A script that scrolls a table's head below the bar. @returns whether the bar is drawn over it */
const BAR_IS_ABOVE = `(() => {
  const bar = document.querySelector('nav').getBoundingClientRect();
  const head = document.querySelector('.scroll th').getBoundingClientRect();
  scrollBy({ top: head.top - bar.top, behavior: 'instant' });
  return document.elementFromPoint(head.left + 1, bar.top + 8).closest('nav') !== null;
})()`;

/** Signs in on a screen of this width. */
const onScreen = async (who: 'operator' | 'owner', width: number) => {
  const { page } = await signInAs(local, who);
  await page.setViewportSize({ width, height: 900 });
  return { page, bar: page.getByRole('navigation', { name: 'Pages' }) };
};

describe('a wide screen', () => {
  it('has the navigation beside the page, and no line that crosses the screen, at 2560 px', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.setViewportSize({ width: 2560, height: 1440 });
    for (const name of ['Overview', 'Agents', 'Calls', 'Settlements']) {
      await open(page, name);
      await picture(page, `${name.toLowerCase()}-light-2560`);
      const navigation = await page.getByRole('navigation', { name: 'Pages' }).boundingBox();
      const main = await page.getByRole('main').boundingBox();
      if (navigation === null || main === null) throw new Error('The page has no frame.');
      expect(main.x).toBeGreaterThanOrEqual(navigation.x + navigation.width);
      expect(main.width).toBeLessThanOrEqual(1600);
      expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(2560);
    }
  });
});

describe('a narrow screen', () => {
  it.each([
    ['operator', 390],
    ['operator', 320],
    ['owner', 390],
  ] as const)('has a bar of five pages that fits, for an %s at %i px', async (who, width) => {
    const { page, bar } = await onScreen(who, width);
    for (const name of ['Overview', 'Signer', who === 'operator' ? 'Settlements' : 'Denials']) {
      await open(page, name);
      expect(await bar.getByRole('link').count()).toBe(5);
      expect(await bar.locator('a[aria-current="page"]:visible').textContent()).toBe(name);
      expect(await page.evaluate(OVERFLOW), name).toBeLessThanOrEqual(0);
    }
    await picture(page, `bar-${who}-${width}`);
  });

  it('keeps the bar above the head of a table that is behind it', async () => {
    const { page } = await onScreen('operator', 390);
    await open(page, 'Agents');
    const head = await page.locator('th').first().boundingBox();
    if (head === null) throw new Error('There is no table.');
    await page.setViewportSize({ width: 390, height: Math.ceil(head.y + head.height) });
    const at = JSON.stringify([head.x + 2, head.y + head.height / 2]);
    const isInBar = `document.querySelector('nav').contains(document.elementFromPoint(...${at}))`;
    expect(await page.evaluate(isInBar)).toBe(true);
  });

  it('opens the other pages by keyboard, and gives the focus back', async () => {
    const { page, bar } = await onScreen('operator', 390);
    const focused = `document.activeElement.textContent`;
    await bar.getByRole('button', { name: 'More' }).focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'More pages' });
    await dialog.waitFor();
    await picture(page, 'bar-more-390');
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    expect(await page.evaluate(focused)).toBe('More');
    await page.keyboard.press('Enter');
    await dialog.getByRole('link', { name: 'Audit' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    expect(await dialog.count()).toBe(0);
    await expect.poll(() => page.evaluate(focused)).toBe('Audit');
  });

  it('keeps amounts in sight beside a long name, and the bar above the tables', async () => {
    const operator = createManagement({
      gateway: local.stack.gateway.url,
      account: privateKeyToAccount(people.operator.privateKey),
    });
    const label = 'Research crawler of the second shift, do not pause it on Mondays';
    await operator.call('accounts.put', {
      params: {
        account: `eip155:${local.stack.description.chainId}:${people.agent.address.toLowerCase()}`,
      },
      body: { label },
      ifNoneMatch: '*',
    });
    const { page } = await onScreen('operator', 390);
    const agents = page.getByRole('region', { name: 'Spending by agent' });
    await agents.getByRole('link', { name: label }).waitFor({ timeout: 30_000 });
    expect(await agents.getAttribute('data-wide')).toBe('false');
    expect(await page.evaluate<number>(SCROLL_WIDTH)).toBeLessThanOrEqual(390);
    expect(await page.evaluate(BAR_IS_ABOVE)).toBe(true);
  });
});
