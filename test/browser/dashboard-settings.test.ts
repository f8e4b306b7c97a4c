import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { createFakeSlack } from '../support/fake-slack.ts';
import { useSharedStack } from './browser-stack.ts';
import { buy } from './buy.ts';
import { open, read, signInAs } from './dashboard-page.ts';
import { closeAndPress } from './in-page.ts';
import { inEveryLook } from './looks.ts';

const local = useSharedStack();
const PATH = '/services/T0/B0/hunter2secret';
const slack = createFakeSlack(PATH);
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
  // The owner's first call creates its account.
  await buy(local.stack, people.owner);
});

afterAll(() => receiver?.close());

const signIn = async (who: 'operator' | 'owner'): Promise<Page> => {
  const { page } = await signInAs(local, who);
  await open(page, 'Settings');
  return page;
};

/** Adds a webhook whose receiver is the fake of Slack. */
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

  it('keep the second of two dialogs open that follow each other at once', async () => {
    const page = await signIn('operator');
    await add(page, 'twice');
    await page.getByRole('button', { name: 'Deliveries of twice' }).click();
    await page.getByRole('dialog', { name: 'Deliveries to twice' }).waitFor();
    await page.evaluate(closeAndPress('Remove twice'));
    expect(await page.getByRole('dialog', { name: 'Remove twice?' }).count()).toBe(1);
    await page.getByRole('button', { name: 'Remove with the wallet' }).click();
    await page.getByRole('cell', { name: 'twice', exact: true }).waitFor({ state: 'detached' });
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
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
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
    // In a form, Enter presses its button.
    await page.keyboard.press('Enter');
    await page.getByRole('cell', { name: 'by-keyboard', exact: true }).waitFor();
    await remove(page, 'by-keyboard');
  });

  it('have no fault that axe finds, in any width and scheme', async () => {
    const page = await signIn('operator');
    await inEveryLook(page, 'settings');
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    await page.getByRole('dialog').getByLabel('all').uncheck();
    await inEveryLook(page, 'settings-webhook');
  });
});
