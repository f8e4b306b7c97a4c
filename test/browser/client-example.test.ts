import type { Page } from 'playwright-core';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { pageFiles } from '../../examples/browser/serve.ts';
import { useSharedStack } from './browser-stack.ts';
import { FOCUSED } from './in-page.ts';
import { inEveryLook } from './looks.ts';

const local = useSharedStack();
let site: RunningServer;

beforeAll(async () => {
  const files = await pageFiles();
  site = await serveLoopback({
    handler: (request) => {
      const [type, text] = files.get(new URL(request.url).pathname) ?? [];
      if (type === undefined) return new Response(null, { status: 404 });
      return new Response(text ?? '', { headers: { 'Content-Type': type } });
    },
  });
});

afterAll(async () => await site?.stop());

/** Opens the page for the local gateway, and collects errors of the page and its console. */
const open = async (): Promise<{ readonly page: Page; readonly errors: readonly string[] }> => {
  const page = await local.browser.newPage({ viewport: { width: 1280, height: 900 } });
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => {
    // Chromium reports every 402 as an error. Here a 402 is expected.
    const text = message.text();
    if (message.type() === 'error' && !text.includes('402')) errors.push(text);
  });
  await page.goto(site.url);
  await page.getByLabel('Gateway').fill(local.stack.gateway.url);
  return { page, errors };
};

const wallet = async (amount: bigint) => {
  const privateKey = generatePrivateKey();
  const address = privateKeyToAddress(privateKey);
  if (amount > 0n) await local.stack.chain.fund(address, amount);
  return { privateKey, address };
};

describe('examples/browser', () => {
  it('shows the price, pays and shows the receipt, in any width and scheme', async () => {
    const { page, errors } = await open();
    const { privateKey, address } = await wallet(100_000n);
    await inEveryLook(page, 'example-1-empty');
    await page.getByLabel('Private key').fill(privateKey);
    expect(await page.locator('#address').innerText()).toBe(`Address ${address}`);
    await page.getByRole('button', { name: 'Ask for the price' }).click();
    await page.getByRole('button', { name: 'Pay', exact: true }).waitFor();
    expect(await page.locator('#offer').innerText()).toContain('$0.001');
    expect((await page.locator('#offer').innerText()).toLowerCase()).toContain(
      local.stack.description.payTo.toLowerCase(),
    );
    // The page pays only after the confirmation.
    expect(await local.stack.chain.balanceOf(address)).toBe(100_000n);
    await inEveryLook(page, 'example-2-offer');

    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await page.getByRole('heading', { name: 'What it cost' }).waitFor();
    const shown = await page.locator('#result').innerText();
    for (const text of [
      'stream of water',
      '$0.001',
      `Verified: signed by ${local.stack.gateway.url}`,
      '$0.999',
    ])
      expect(shown).toContain(text);
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
    await inEveryLook(page, 'example-3-receipt');
    expect(errors).toEqual([]);
  });

  it('works with the keyboard alone', async () => {
    const { page } = await open();
    const { privateKey, address } = await wallet(100_000n);
    await page.getByLabel('Private key').focus();
    await page.keyboard.type(privateKey);
    const seen: unknown[] = [];
    for (let at = 0; at < 4; at += 1) {
      await page.keyboard.press('Tab');
      seen.push(await page.evaluate(FOCUSED));
    }
    expect(seen).toEqual(
      ['BUTTON', 'INPUT', 'INPUT', 'BUTTON'].map((name) => ({ name, visible: true })),
    );
    await page.keyboard.press('Enter');
    await page.locator('#pay:focus').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('#result-title:focus').waitFor();
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('pays nothing when the user declines, and can be used again', async () => {
    const { page } = await open();
    const { privateKey, address } = await wallet(100_000n);
    await page.getByLabel('Private key').fill(privateKey);
    for (let at = 0; at < 2; at += 1) {
      await page.getByRole('button', { name: 'Ask for the price' }).click();
      await page.getByRole('button', { name: 'Do not pay' }).click();
      await page.getByText('Nothing was paid.').waitFor();
    }
    expect(await local.stack.chain.balanceOf(address)).toBe(100_000n);
    expect(await page.locator('#offer').isVisible()).toBe(false);
  });

  it('makes a new key and explains that it cannot pay', async () => {
    const { page } = await open();
    await page.getByRole('button', { name: 'New key' }).click();
    expect(await page.getByLabel('Private key').inputValue()).toMatch(/^0x[0-9a-f]{64}$/);
    await page.getByText('The new wallet is empty').waitFor();
    await page.getByRole('button', { name: 'Ask for the price' }).click();
    await page.getByRole('button', { name: 'Pay', exact: true }).click();
    await page.getByRole('heading', { name: 'No answer' }).waitFor();
    await inEveryLook(page, 'example-4-refused');
    expect(await page.locator('#result').innerText()).toContain('$0');
  });

  it('explains that a gateway is unreachable', async () => {
    const { page } = await open();
    await page.getByLabel('Private key').fill(generatePrivateKey());
    await page.getByLabel('Gateway').fill('http://127.0.0.1:9');
    await page.getByRole('button', { name: 'Ask for the price' }).click();
    await page.getByText('cannot reach').waitFor();
  });

  it('stores the key nowhere', async () => {
    const { page } = await open();
    const { privateKey } = await wallet(0n);
    await page.getByLabel('Private key').fill(privateKey);
    await page.getByRole('button', { name: 'Ask for the price' }).click();
    await page.getByRole('button', { name: 'Do not pay' }).click();
    const kept = await page.evaluate(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])',
    );
    expect(kept).not.toContain(privateKey.slice(2));
    await page.reload();
    expect(await page.getByLabel('Private key').inputValue()).toBe('');
  });
});
