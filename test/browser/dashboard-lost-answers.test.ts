import type { BrowserContext, Page, Route } from 'playwright-core';
import { privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { useSharedStack } from './browser-stack.ts';
import { read, signInAs } from './dashboard-page.ts';
import { inEveryLook } from './looks.ts';

const account = `eip155:84532:${people.agent.address.toLowerCase()}`;
const LOGGED = { timeout: 60_000 };
const REFUND = '**/admin/calls/**/refund';

const local = useSharedStack();

/** The paths of paid calls of $0.001. */
let calls: readonly string[];

beforeAll(async () => {
  const agent = createAgent({
    account: privateKeyToAccount(people.agent.privateKey),
    spend: { perCall: '$0.05', total: '$1' },
  });
  const buyOne = async (word: string): Promise<string> => {
    const answer = await agent.fetch(`${local.stack.gateway.url}/tools/lookup?word=${word}`);
    await answer.text();
    return answer.countersign.call ?? '';
  };
  calls = [];
  for (const word of ['river', 'bank', 'edge', 'river', 'bank', 'edge', 'river', 'bank']) {
    calls = [...calls, await buyOne(word)];
  }
});

/** Drops the answers to refunds. @returns the intents that the page sent */
const loseAnswers = async (
  page: Page,
  lose: (route: Route, attempt: number) => Promise<void>,
): Promise<readonly (string | undefined)[]> => {
  const intents: (string | undefined)[] = [];
  await page.route(REFUND, async (route) => {
    intents.push(route.request().headers()['agent-intent']);
    await lose(route, intents.length);
    await route.abort();
  });
  return intents;
};

/** Opens the dialog and signs a refund whose answer is dropped. */
const refundInVain = async (page: Page, call: string, amount: string) => {
  await page.goto(`${local.stack.gateway.url}/dashboard/calls/${account}/${call}`);
  await page.getByRole('button', { name: 'Refund' }).click(LOGGED);
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Amount (USDC)').fill(amount);
  await dialog.getByLabel('Reason').fill('a wrong answer');
  await dialog.getByRole('button', { name: 'Refund with the wallet' }).click();
  await dialog.getByText('The gateway did not answer.').waitFor(LOGGED);
  return dialog;
};

describe('a refund whose answer is lost', () => {
  it('that never arrived is made by the same signature, also from another dialog', async () => {
    const { page } = await signInAs(local, 'operator');
    const intents = await loseAnswers(page, async () => undefined);
    const dialog = await refundInVain(page, calls[0] ?? '', '0.0004');
    expect(await dialog.getByLabel('Amount (USDC)').isEnabled()).toBe(false);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Refund' }).click();
    await dialog.getByText('did not answer an earlier change').waitFor();
    await inEveryLook(page, 'refund-lost');
    await page.unroute(REFUND);
    const again = page.waitForRequest(REFUND);
    await dialog.getByRole('button', { name: 'Ask again' }).click();
    expect((await again).headers()['agent-intent']).toBe(intents[0]);
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('refunded 0.0004 USDC as credit: a wrong answer').waitFor(LOGGED);
    expect(new Set(intents).size).toBe(1);
  });

  it('that arrived is looked up, and what is left is all that can be refunded next', async () => {
    const { page } = await signInAs(local, 'operator');
    await loseAnswers(page, async (route, attempt) => {
      if (attempt === 1) await route.fetch();
    });
    const dialog = await refundInVain(page, calls[1] ?? '', '0.0006');
    await page.unroute(REFUND);
    await dialog.getByRole('button', { name: 'Ask again' }).click();
    await dialog
      .getByText(
        'went through: 0.0006 USDC was refunded since, and 0.0004 USDC of the charge is left',
      )
      .waitFor(LOGGED);
    expect(await dialog.getByRole('button', { name: /wallet|again/ }).count()).toBe(0);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Refund' }).click();
    expect(await dialog.getByLabel('Amount (USDC)').inputValue()).toBe('0.0004');
  });
});

describe('a refund under way', () => {
  it('cannot be signed again from another dialog, which says what became of it', async () => {
    const { page } = await signInAs(local, 'operator');
    const release = Promise.withResolvers<void>();
    let sent = 0;
    await page.route(REFUND, async (route) => {
      sent += 1;
      await release.promise;
      await route.continue();
    });
    await page.goto(`${local.stack.gateway.url}/dashboard/calls/${account}/${calls[2]}`);
    await page.getByRole('button', { name: 'Refund' }).click(LOGGED);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('a wrong answer');
    await dialog.getByRole('button', { name: 'Refund with the wallet' }).click();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await page.getByRole('button', { name: 'Refund' }).click();
    await dialog.getByLabel('Reason').fill('another one');
    const button = dialog.getByRole('button', { name: 'Confirm in the wallet' });
    expect(await button.isEnabled()).toBe(false);
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByRole('button', { name: 'Refund' }).click(LOGGED);
    await other.getByLabel('Reason').fill('from another tab');
    await other.getByRole('button', { name: 'Refund with the wallet' }).click();
    await other.getByText('Another tab of this browser').waitFor(LOGGED);
    release.resolve();
    await dialog.getByText('went through meanwhile').waitFor(LOGGED);
    expect(await dialog.getByRole('button', { name: /wallet|again/ }).count()).toBe(0);
    expect(sent).toBe(1);
  });
});

/** Drops every refund of a context before it reaches the gateway. @returns the intents that its pages sent */
const loseAll = async (context: BrowserContext): Promise<readonly (string | undefined)[]> => {
  const intents: (string | undefined)[] = [];
  await context.route(REFUND, async (route) => {
    intents.push(route.request().headers()['agent-intent']);
    await route.abort();
  });
  return intents;
};

const OPEN = 'A refund that you signed on';

describe('a refund without an answer, after the page was left', () => {
  it('is sent again from two tabs with the same signature, and takes effect once', async () => {
    const { page } = await signInAs(local, 'operator');
    const context = page.context();
    const lost = await loseAll(context);
    await refundInVain(page, calls[3] ?? '', '0.0004');
    await page.reload();
    await page.getByText(OPEN).waitFor(LOGGED);
    await page.getByText('You signed 0.0004 USDC. Of 0.001 USDC charged,').waitFor(LOGGED);
    await inEveryLook(page, 'command-open');
    const other = await context.newPage();
    await other.goto(`${local.stack.gateway.url}/dashboard`);
    await other.getByText(OPEN).waitFor(LOGGED);
    await context.unroute(REFUND);

    const both = Promise.withResolvers<void>();
    const again: (string | undefined)[] = [];
    await context.route(REFUND, async (route) => {
      again.push(route.request().headers()['agent-intent']);
      if (again.length === 2) both.resolve();
      await both.promise;
      await route.continue();
    });
    for (const tab of [page, other]) await tab.getByRole('button', { name: 'Send again' }).click();
    for (const tab of [page, other]) {
      await tab.getByText(/has its answer|arrived at the first attempt/).waitFor(LOGGED);
    }
    expect(new Set([...lost, ...again]).size).toBe(1);
    expect(again).toHaveLength(2);
    await page.getByText('Of 0.001 USDC charged, 0.0004 USDC is refunded now.').waitFor(LOGGED);
    await page.getByText('refunded 0.0004 USDC as credit: a wrong answer').waitFor(LOGGED);
    await page.reload();
    await page.getByText('refunded 0.0004 USDC as credit: a wrong answer').waitFor(LOGGED);
    expect(await page.getByText('refunded 0.0004 USDC as credit').count()).toBe(1);
    expect(await page.getByText(OPEN).count()).toBe(0);
  });

  it('is not signed a second time, and belongs to its own wallet after signing out', async () => {
    const { page } = await signInAs(local, 'operator');
    await loseAll(page.context());
    await refundInVain(page, calls[4] ?? '', '0.0003');
    await page.reload();
    await page.getByText(OPEN).waitFor(LOGGED);
    await page.getByRole('button', { name: 'Refund' }).click(LOGGED);
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('another one');
    await dialog.getByRole('button', { name: 'Refund with the wallet' }).click();
    await dialog.getByText('An earlier change like this one has no answer yet').waitFor(LOGGED);
    await dialog.getByRole('button', { name: 'Cancel' }).click();

    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Local owner' }).click();
    await page.getByRole('link', { name: 'Overview' }).click(LOGGED);
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor(LOGGED);
    expect(await page.getByText(OPEN).count()).toBe(0);
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByText(OPEN).waitFor(LOGGED);
    await page.context().unroute(REFUND);
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('Of 0.001 USDC charged, 0.0003 USDC is refunded now.').waitFor(LOGGED);
    await page.getByRole('button', { name: 'Close', exact: true }).click();
    expect(await page.getByText('A refund has its answer').count()).toBe(0);
  });
});

describe('a refund without an answer that has expired', () => {
  it('can be dismissed, and not before', async () => {
    const { page } = await signInAs(local, 'operator');
    await loseAll(page.context());
    await refundInVain(page, calls[7] ?? '', '0.0001');
    await page.reload();
    await page.getByText(OPEN).waitFor(LOGGED);
    const dismiss = page.getByRole('button', { name: 'Dismiss' });
    expect(await dismiss.count()).toBe(0);
    await page.route('**/accounts/**', async (route) => {
      const response = await route.fetch();
      const date = new Date(Date.now() + 600_000).toUTCString();
      await route.fulfill({ response, headers: { ...response.headers(), date } });
    });
    await page.getByText('It has expired').waitFor(LOGGED);
    await inEveryLook(page, 'command-over');
    await dismiss.click(LOGGED);
    await page.getByText(OPEN).waitFor({ state: 'detached', ...LOGGED });
    await page.unroute('**/accounts/**');
    await page.reload();
    await page.getByText('0.001 USDC').first().waitFor(LOGGED);
    expect(await page.getByText(OPEN).count()).toBe(0);
  });
});

/** Simulates a browser with a full disk, whose user denies storage and therefore locks. */
const DENIED = `
  IDBObjectStore.prototype.add = () => {
    throw new DOMException('The disk is full.', 'QuotaExceededError');
  };
  LockManager.prototype.request = async () => {
    throw new DOMException('The request was denied.', 'SecurityError');
  };
`;

describe('a browser that stores nothing', () => {
  it('sends a refund all the same, and signs no second one in another tab', async () => {
    const { page } = await signInAs(local, 'operator');
    await page.addInitScript(DENIED);
    await loseAll(page.context());
    const dialog = await refundInVain(page, calls[5] ?? '', '0.0004');
    const other = await page.context().newPage();
    await other.addInitScript(DENIED);
    await other.goto(page.url());
    await other.getByText(OPEN).waitFor(LOGGED);
    await other.getByRole('button', { name: 'Refund' }).click(LOGGED);
    await other.getByLabel('Reason').fill('from another tab');
    await other.getByRole('button', { name: 'Refund with the wallet' }).click();
    await other.getByText('An earlier change like this one has no answer yet').waitFor(LOGGED);
    await other.getByRole('button', { name: 'Cancel' }).click();
    await page.context().unroute(REFUND);
    await dialog.getByRole('button', { name: 'Ask again' }).click();
    await page.getByText('refunded 0.0004 USDC as credit: a wrong answer').waitFor(LOGGED);
    await other.getByText(OPEN).waitFor({ state: 'detached', ...LOGGED });
  });
});

describe('a device whose clock is ten minutes fast', () => {
  it('signs in and makes changes, and does not take an open one for expired', async () => {
    const context = await local.browser.newContext({ viewport: { width: 1280, height: 900 } });
    await context.addInitScript(`const now = Date.now; Date.now = () => now() + 600_000;`);
    // Cloudflare's network adds `Date` to each answer; a local stack does not.
    await context.route(/\/(?:\.well-known|session|accounts|admin)/, async (route) => {
      const response = await route.fetch();
      const headers = { ...response.headers(), date: new Date().toUTCString() };
      await route.fulfill({ response, headers });
    });
    const page = await context.newPage();
    await page.goto(`${local.stack.gateway.url}/dashboard`);
    await page.getByRole('button', { name: 'Local operator' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor(LOGGED);
    await read(page);
    await loseAll(context);
    await refundInVain(page, calls[6] ?? '', '0.0002');
    await page.reload();
    await page.getByText(OPEN).waitFor(LOGGED);
    expect(await page.getByText('It has expired').count()).toBe(0);
    await context.unroute(REFUND);
    await page.getByRole('button', { name: 'Send again' }).click();
    await page.getByText('refunded 0.0002 USDC as credit: a wrong answer').waitFor(LOGGED);
  });
});
