import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Page, Request as PageRequest } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { createManagement } from '../../src/client/management.ts';
import { axe } from './axe.ts';
import { useBrowserStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { open, read, signInAs, visit } from './dashboard-page.ts';

const owner = privateKeyToAccount(people.owner.privateKey);
const stranger = privateKeyToAccount(people.agent.privateKey);

const FOCUS_IN_MAIN = `document.querySelector('main').contains(document.activeElement)`;

/** Markup that an attacker wants a page to run, after a character that reverses the text direction. */
const HOSTILE = '\u202e"><img src=x onerror=alert(1)><script>alert(2)</script>';
const LABEL = '<img src=x onerror=alert(3)>';
/** The label as an operator's lists show it. */
const SHOWN_LABEL = `(own name) ${LABEL}`;

const hostileTools = (directory: string): string => {
  const { tools } = JSON.parse(readFileSync(TOOLS_FILE, 'utf8')) as { tools: { id: string }[] };
  const changed = tools.map((tool) => ({ ...tool, description: HOSTILE }));
  const file = join(directory, 'tools.json');
  writeFileSync(file, JSON.stringify({ tools: changed }));
  return file;
};

const accountOf = ({ address }: typeof owner): string => `eip155:84532:${address.toLowerCase()}`;

const local = useBrowserStack((directory) => ({ toolsFile: hostileTools(directory) }));

beforeAll(async () => {
  await buy(local.stack, people.owner);
  await buy(local.stack, people.agent);
  const management = createManagement({
    gateway: local.stack.gateway.url,
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

/** Waits until the gateway has answered a request that the page's session signed, and returns the request. */
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
    const { page } = await signInAs(local, 'operator');
    const request = await signedRead(page);
    expect(await replay(request)).toBe(409);
    const other = `${local.stack.gateway.url}/admin/queues`;
    expect(request.url()).not.toBe(other);
    expect(await replay(request, other)).toBe(401);
  });

  it('reads nothing after its session was ended', async () => {
    const { page } = await signInAs(local, 'operator');
    const request = await signedRead(page);
    const ended = page.waitForResponse(
      (answer) => answer.request().method() === 'DELETE' && answer.status() === 204,
    );
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await ended;
    expect(await replay(request)).toBe(401);
  });
});

/** A script that searches everything the browser stores for private keys and tries to export them. Returns the result. */
const EXPORTED_KEYS = `(async () => {
  const settled = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const privateKeysIn = (value) => {
    if (value instanceof CryptoKey) return value.type === 'private' ? [value] : [];
    return typeof value === 'object' && value !== null ? Object.values(value).flatMap(privateKeysIn) : [];
  };
  const keys = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await settled(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      keys.push(...privateKeysIn(await settled(database.transaction(store).objectStore(store).getAll())));
    }
    database.close();
  }
  const exported = keys.flatMap((key) => ['pkcs8', 'jwk'].map((format) =>
    crypto.subtle.exportKey(format, key).then(() => 'exported', ({ name }) => name)));
  return await Promise.all(exported);
})()`;

describe('the key of a session', () => {
  it('cannot be exported by a script of the page', async () => {
    const { page } = await signInAs(local, 'operator');
    const found = new Set(await page.evaluate<readonly string[]>(EXPORTED_KEYS));
    expect(found).toEqual(new Set(['InvalidAccessError']));
  });
});

describe('another origin', () => {
  it('can neither frame the dashboard nor read with the session of a visitor', async () => {
    const html = `<iframe src="${local.stack.gateway.url}/dashboard"></iframe>`;
    const server = createServer((_, response) => {
      response.setHeader('content-type', 'text/html').end(html);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { page } = await signInAs(local, 'operator');
      const evil = await page.context().newPage();
      await evil.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      const [, framed] = evil.frames();
      expect(framed?.url()).toMatch(/^chrome-error:/);
      const status: unknown = await evil.evaluate(
        `fetch('${local.stack.gateway.url}/admin/settings', { credentials: 'include' })
          .then(({ status }) => status, () => 'blocked')`,
      );
      expect(['blocked', 401]).toContain(status);
    } finally {
      server.close();
    }
  });
});

/** Makes the gateway reject the session while the page does something that reads. */
const endDuring = async (page: Page, act: () => Promise<unknown>): Promise<void> => {
  await page.route('**/admin/**', async (route) => {
    await route.fulfill({
      status: 401,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'urn:countersign:problem:session-ended', status: 401 }),
    });
  });
  await act();
  await page.getByText('Your session has ended').waitFor();
  await page.unroute('**/admin/**');
};

/** Makes the gateway reject the session at the first read of another page. */
const endBy = async (page: Page, name: string): Promise<void> =>
  await endDuring(page, async () => await page.getByRole('link', { name, exact: true }).click());

/** Makes the gateway reject the session when the open page reads again. */
const endNow = async (page: Page): Promise<void> =>
  await endDuring(
    page,
    async () => await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`),
  );

const signOut = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await page.getByText('Sign in to see').waitFor();
};

/** Records every text that the page shows from now on, even for one frame. */
const watchTexts = async (page: Page): Promise<() => Promise<string>> => {
  await page.evaluate(`
    globalThis.seen = [];
    new MutationObserver(() => seen.push(document.body.innerText))
      .observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  return async () => await page.evaluate(`seen.join('\\n')`);
};

describe('an ended session', () => {
  it('asks to sign in again, and goes on where it was', async () => {
    const { page } = await signInAs(local, 'operator');
    await open(page, 'Settings');
    await endBy(page, 'Agents');
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByRole('heading', { level: 1, name: 'Agents' }).waitFor();
  });

  it('loses nothing that was typed on a page or in a dialog', async () => {
    const { page } = await signInAs(local, 'operator');
    const description = page.getByLabel('Description', { exact: true });
    const address = page.getByLabel('Address', { exact: true });
    const newTool = async (): Promise<string> => {
      await open(page, 'Tools');
      await page.getByRole('link', { name: 'New tool' }).click();
      return await description.inputValue();
    };
    const addWebhook = async (): Promise<string> => {
      await page.getByRole('button', { name: 'Add a webhook' }).click();
      return await address.inputValue();
    };
    expect(await newTool()).toBe('');
    await description.fill('Says hello.');
    await open(page, 'Settings');
    expect(await addWebhook()).toBe('');
    await address.fill('https://hooks.example/x');
    await endNow(page);
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
    expect(await addWebhook()).toBe('https://hooks.example/x');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await addWebhook()).toBe('');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await newTool()).toBe('Says hello.');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await newTool()).toBe('');
  });

  it.each([
    ['is refused by the gateway', async (page: Page) => await endBy(page, 'Agents')],
    ['was signed out', signOut],
  ])('shows nothing it read to another wallet once it %s', async (_, end) => {
    const { page } = await signInAs(local, 'operator');
    await open(page, 'Agents');
    const agent = people.agent.address.toLowerCase().slice(0, 6);
    await page.getByRole('table').getByRole('link', { name: agent }).waitFor();
    await open(page, 'Overview');
    await end(page);
    const texts = await watchTexts(page);
    await page.getByRole('button', { name: 'Local owner' }).click();
    await page.getByRole('navigation').getByRole('link', { name: 'Agents' }).waitFor();
    await open(page, 'Agents');
    const seen = await texts();
    expect(seen).toContain('Agents');
    expect(seen).not.toContain(agent);
    // Only operators see this page.
    expect(seen).not.toContain('Settlements');
  });
});

describe('texts of others', () => {
  it('are texts on every page', async () => {
    const { page, complaints } = await signInAs(local, 'operator');
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
    await page.getByRole('table').getByRole('link', { name: SHOWN_LABEL }).click();
    await page.getByRole('heading', { level: 1, name: LABEL }).waitFor();
    await read(page);
    expect(await page.locator('main img, main script').count()).toBe(0);
    expect(dialogs).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('name an account in each list, with its address as the title', async () => {
    const { page } = await signInAs(local, 'operator');
    for (const [path, table] of [
      ['', 'Calls'],
      ['', 'Spending by agent'],
      ['/spending?by=account', 'Spending by account'],
      ['/calls', 'Calls'],
    ] as const) {
      await page.goto(`${local.stack.gateway.url}/dashboard${path}`);
      const link = page
        .getByRole('table', { name: table, exact: true })
        .getByRole('link', { name: SHOWN_LABEL, exact: true });
      await link.first().waitFor();
      expect(await link.first().getAttribute('title')).toBe(accountOf(owner));
    }
  });
});

it('shows the address of an account in the dialog that changes it, whatever its name is', async () => {
  const { page } = await signInAs(local, 'operator');
  await open(page, 'Agents');
  const row = page.getByRole('row').filter({ hasText: SHOWN_LABEL });
  await row.getByRole('button').click();
  const address = accountOf(owner).slice(-42);
  await page
    .getByRole('dialog')
    .getByText(`${address.slice(0, 6)}…${address.slice(-4)}`)
    .waitFor();
});

describe('an owner', () => {
  it('signs in without a refused request', async () => {
    const { page, complaints } = await signInAs(local, 'owner');
    expect(await page.getByRole('link', { name: 'Settlements' }).count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('sees nothing of another owner', async () => {
    const { page } = await signInAs(local, 'owner');
    await page.goto(`${local.stack.gateway.url}/dashboard/agents/${accountOf(stranger)}`);
    await page.getByText('There is no such account, or it is not yours').first().waitFor();
    await read(page);
    expect(await page.getByText('lookup').count()).toBe(0);
    for (const path of ['settlements', 'tools']) {
      await page.goto(`${local.stack.gateway.url}/dashboard/${path}`);
      await page.getByRole('heading', { level: 1, name: 'There is no such page' }).waitFor();
    }
  });
});

describe('the keyboard', () => {
  it('opens pages with g and a letter, goes to the search with /, and shows its keys with ?', async () => {
    const { page } = await signInAs(local, 'operator');
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
    const { page } = await visit(local);
    // The heading of this page gets the focus late too.
    await page.waitForLoadState('networkidle');
    await page.getByRole('button', { name: 'Local operator' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    // The heading gets the focus once it is painted. Only then does Tab move within the page and not within the navigation.
    await expect.poll(() => page.evaluate(FOCUS_IN_MAIN)).toBe(true);
    await read(page);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUS_IN_MAIN)).toBe(true);
  });
});
