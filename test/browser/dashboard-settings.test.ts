import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import { people } from '../../dev/stack/people.ts';
import { createAgent } from '../../src/client/agent.ts';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { createFakeSlack } from '../support/fake-slack.ts';
import { startBrowser } from './browser.ts';
import { axe, LOOKS, open, picture, read, signInAs } from './dashboard-page.ts';
import { SCROLL_WIDTH } from './in-page.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
const PATH = '/services/T0/B0/hunter2secret';
const slack = createFakeSlack(PATH);
let stack: Stack;
let browser: Browser;
let receiver: Server;
let slackUrl: string;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const posted = new Request(`http://slack.example${request.url ?? ''}`, {
        method: request.method ?? 'POST',
        headers: { 'content-type': request.headers['content-type'] ?? '' },
        body: Buffer.concat(chunks),
      });
      void slack.handle(posted).then(async (answer) => {
        response.writeHead(answer.status).end(await answer.text());
      });
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  slackUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}${PATH}`;
  stack = await startStack({ persistTo: directory, file: join(directory, 'stack.json') });
  browser = await startBrowser();
  // The account of the owner begins with its first call.
  const owner = createAgent({
    account: privateKeyToAccount(people.owner.privateKey),
    spend: { perCall: '$0.01', total: '$1' },
  });
  const answer = await owner.fetch(`${stack.gateway.url}/tools/lookup?word=river`);
  await answer.text();
  if (!answer.ok) throw new Error(`The call got ${answer.status}.`);
});

afterEach(async () => {
  await Promise.all(browser.contexts().map(async (context) => await context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  receiver?.close();
  rmSync(directory, { recursive: true, force: true });
});

const signIn = async (who: 'operator' | 'owner', look = {}): Promise<Page> => {
  const { page } = await signInAs(browser, stack.gateway.url, who, look);
  await open(page, 'Settings');
  return page;
};

/** Adds a webhook to the fake of Slack. */
const add = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByLabel('Address').fill(slackUrl);
  await dialog.getByRole('button', { name: 'Add with the wallet' }).click();
  await page.getByRole('cell', { name, exact: true }).waitFor();
};

const remove = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('button', { name: `Remove ${name}` }).click();
  await page.getByRole('button', { name: 'Remove with the wallet' }).click();
  await page.getByRole('cell', { name, exact: true }).waitFor({ state: 'detached' });
};

describe('the settings', () => {
  it('add a Slack webhook, test it, and show neither path nor token of it afterwards', async () => {
    const page = await signIn('operator');
    await add(page, 'channel');
    await page.getByRole('button', { name: 'Test channel' }).click();
    await page.getByText('channel answered 200').waitFor();
    expect(slack.posted.at(-1)?.shown).toContain('The webhook channel works.');
    expect(await page.content()).not.toContain('hunter2secret');
    await page.getByRole('button', { name: 'Deliveries of channel' }).click();
    await page.getByRole('dialog').getByText('answered 200').waitFor();
    await page.keyboard.press('Escape');
    await remove(page, 'channel');
  });

  it('say why a delivery failed', async () => {
    const page = await signIn('owner');
    await add(page, 'broken');
    slack.answerNext(new Response('invalid_payload', { status: 400 }));
    await page.getByRole('button', { name: 'Test broken' }).click();
    await page.getByText('broken answered 400').waitFor();
    await remove(page, 'broken');
  });

  it('keep what was typed when the gateway refuses it, and say which field is wrong', async () => {
    const page = await signIn('owner');
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Address').fill('http://example.com/hook');
    await dialog.getByRole('button', { name: 'Add with the wallet' }).click();
    await dialog.getByRole('alert').getByText('body.url').waitFor();
    expect(await dialog.getByLabel('Address').inputValue()).toBe('http://example.com/hook');
  });

  it('show an owner the own webhooks alone', async () => {
    const page = await signIn('owner');
    await read(page);
    expect(await page.getByText('Operators').count()).toBe(0);
    await add(page, 'mine');
    await page.getByRole('button', { name: 'Sign out' }).click();
    const other = await signIn('operator');
    await other.getByText('Default policy', { exact: true }).waitFor();
    expect(await other.getByRole('cell', { name: 'mine', exact: true }).count()).toBe(0);
  });

  it('can be filled in by keyboard alone', async () => {
    const page = await signIn('operator');
    await page.getByRole('button', { name: 'Add a webhook' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('Format').waitFor();
    for (const text of ['', 'by-keyboard', slackUrl]) {
      if (text !== '') {
        await page.keyboard.press('Control+A');
        await page.keyboard.type(text);
      }
      await page.keyboard.press('Tab');
    }
    // In a form, Enter is its button.
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'by-keyboard', exact: true }).waitFor();
    await remove(page, 'by-keyboard');
  });

  it.each(LOOKS)('have no fault that axe finds: $colorScheme, $width px', async (look) => {
    const page = await signIn('operator', look);
    const name = `${look.colorScheme}-${look.width}`;
    await picture(page, `settings-${name}`);
    expect(await axe(page)).toEqual([]);
    const scrollWidth: number = await page.evaluate(SCROLL_WIDTH);
    expect(scrollWidth).toBeLessThanOrEqual(look.width);
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    await page.getByRole('dialog').getByLabel('all').uncheck();
    await picture(page, `settings-webhook-${name}`);
    expect(await axe(page)).toEqual([]);
  });
});
