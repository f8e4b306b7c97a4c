import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page, Request as PageRequest } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { createAgent } from '../../src/client/agent.ts';
import { createManagement } from '../../src/client/management.ts';
import { startBrowser } from './browser.ts';
import { axe, open, read, signInAs, visit } from './dashboard-page.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
let stack: Stack;
let browser: Browser;

const owner = privateKeyToAccount(people.owner.privateKey);
const stranger = privateKeyToAccount(people.agent.privateKey);

const FOCUS_IN_MAIN = `document.querySelector('main').contains(document.activeElement)`;

/** Markup that an attacker hopes a page will run, behind a character that reverses the direction of text. */
const HOSTILE = '\u202e"><img src=x onerror=alert(1)><script>alert(2)</script>';
const LABEL = '<img src=x onerror=alert(3)>';

const hostileTools = (): string => {
  const { tools } = JSON.parse(readFileSync(TOOLS_FILE, 'utf8')) as { tools: { id: string }[] };
  const changed = tools.map((tool) => ({ ...tool, description: HOSTILE }));
  const file = join(directory, 'tools.json');
  writeFileSync(file, JSON.stringify({ tools: changed }));
  return file;
};

/** Makes one call, so that the account exists. */
const buy = async (account: typeof owner): Promise<void> => {
  const agent = createAgent({ account, spend: { perCall: '$0.01', total: '$1' } });
  const answer = await agent.fetch(`${stack.gateway.url}/tools/lookup?word=river`);
  await answer.text();
  if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
};

const accountOf = ({ address }: typeof owner): string => `eip155:84532:${address.toLowerCase()}`;

beforeAll(async () => {
  stack = await startStack({
    persistTo: directory,
    file: join(directory, 'stack.json'),
    toolsFile: hostileTools(),
  });
  browser = await startBrowser();
  await buy(owner);
  await buy(stranger);
  const management = createManagement({
    gateway: stack.gateway.url,
    account: owner,
    chainId: 84_532,
  });
  const account = accountOf(owner);
  await management.call('account.put', {
    params: { account },
    body: { label: LABEL },
    ifNoneMatch: '*',
  });
  await management.call('account.webhooks.put', {
    params: { account, webhook: 'hostile' },
    body: { url: 'http://127.0.0.1:9/', events: ['*'], description: HOSTILE },
    ifNoneMatch: '*',
  });
});

afterEach(async () => {
  await Promise.all(browser.contexts().map(async (context) => await context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A request of the page that its session signed, once it has been answered. */
const signedRead = async (page: Page): Promise<PageRequest> => {
  const request = page.waitForRequest((each) => each.headers()['agent-session'] !== undefined);
  await page.reload();
  const seen = await request;
  await seen.response();
  return seen;
};

const replay = async (request: PageRequest, url = request.url()): Promise<number> => {
  const { host: _, ...headers } = await request.allHeaders();
  const answer = await fetch(url, {
    method: request.method(),
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':'))),
  });
  await answer.text();
  return answer.status;
};

describe('a stolen request', () => {
  it('works neither a second time nor for another path', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'operator');
    const request = await signedRead(page);
    expect(await replay(request)).toBe(409);
    const other = `${stack.gateway.url}/admin/queues`;
    expect(request.url()).not.toBe(other);
    expect(await replay(request, other)).toBe(401);
  });

  it('reads nothing after its session was ended', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'operator');
    const request = await signedRead(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Local operator' }).waitFor();
    expect(await replay(request)).toBe(401);
  });
});

describe('another origin', () => {
  it('can neither frame the dashboard nor read with the session of a visitor', async () => {
    const html = `<iframe src="${stack.gateway.url}/dashboard"></iframe>`;
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { page } = await signInAs(browser, stack.gateway.url, 'operator');
      const evil = await page.context().newPage();
      await evil.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const [, framed] = evil.frames();
      expect(framed?.url()).toMatch(/^chrome-error:/);
      const status: unknown = await evil.evaluate(
        `fetch('${stack.gateway.url}/admin/settings', { credentials: 'include' })
          .then(({ status }) => status, () => 'blocked')`,
      );
      expect(['blocked', 401]).toContain(status);
    } finally {
      server.close();
    }
  });
});

describe('an ended session', () => {
  it('asks to sign in again, and goes on where it was', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'operator');
    await open(page, 'Settings');
    await page.route('**/admin/**', async (route) => {
      await route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        body: JSON.stringify({ type: 'urn:countersign:problem:session-ended', status: 401 }),
      });
    });
    await page.getByRole('link', { name: 'Agents' }).click();
    await page.getByText('Your session has ended').waitFor();
    await page.unroute('**/admin/**');
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
  });
});

describe('texts of others', () => {
  it('are texts on every page', async () => {
    const { page, complaints } = await signInAs(browser, stack.gateway.url, 'operator');
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    const names = await page.getByRole('navigation').getByRole('link').allTextContents();
    expect(names).toContain('Agents');
    for (const name of names) {
      await open(page, name);
      expect(await page.locator('main img, main script').count(), name).toBe(0);
    }
    await open(page, 'Agents');
    await page.getByRole('table').getByRole('link', { name: LABEL }).click();
    await page.getByRole('heading', { level: 1, name: LABEL }).waitFor();
    await read(page);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(dialogs).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

describe('an owner', () => {
  it('sees nothing of another owner', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'owner');
    await page.goto(`${stack.gateway.url}/dashboard/agents/${accountOf(stranger)}`);
    await page.getByText('There is no such account yet').first().waitFor();
    await read(page);
    expect(await page.getByText('lookup').count()).toBe(0);
    for (const path of ['settlements', 'tools']) {
      await page.goto(`${stack.gateway.url}/dashboard/${path}`);
      await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    }
  });
});

describe('the keyboard', () => {
  it('opens pages with g and a letter, goes to the search with /, and shows its keys with ?', async () => {
    const { page } = await signInAs(browser, stack.gateway.url, 'operator');
    await page.keyboard.press('g');
    await page.keyboard.press('a');
    await page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
    await read(page);
    await page.keyboard.press('/');
    await page.keyboard.type('g?');
    expect(await page.locator('input[type="search"]').first().inputValue()).toBe('g?');
    await page.getByRole('heading', { level: 1 }).focus();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    expect(await axe(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('reaches the content first, and every control after it in order', async () => {
    const { page } = await visit(browser, `${stack.gateway.url}/dashboard`);
    await page.getByRole('button', { name: 'Local operator' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    // The heading gets the focus once it is painted, so that the next Tab is in the page and not in the navigation.
    await expect.poll(() => page.evaluate(FOCUS_IN_MAIN)).toBe(true);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUS_IN_MAIN)).toBe(true);
  });
});
