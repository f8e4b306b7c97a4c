import { describe, expect, it } from 'vitest';
import { useSharedStack } from './browser-stack.ts';
import { inEveryLook } from './looks.ts';
import { LOOKUP, openPanel, openWithWallet, pay } from './pay-page.ts';

const local = useSharedStack();

/** The key under which the tab stores its payment for the tool. */
const RECORD = 'countersign-payment:lookup';

describe('paying with a wallet', () => {
  it('pays, shows the answer and that the money has moved, readable in every width and scheme', async () => {
    const { page, wallet, address, complaints } = await openWithWallet(local, LOOKUP, {
      balance: 100_000n,
    });
    await inEveryLook(page, 'pay-1-402');
    await openPanel(page);
    expect(await page.getByLabel('word').inputValue()).toBe('river');
    await inEveryLook(page, 'pay-2-form');
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('stream of water');
    await page.getByText('You paid 0.001 USDC.').waitFor();
    await page.getByText('It has moved, in transaction').waitFor();
    await page.getByText('Verified: the gateway signed').waitFor();
    await inEveryLook(page, 'pay-3-answer');
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
    expect(wallet?.signed).toEqual(['TransferWithAuthorization']);
    expect(complaints).toEqual([]);

    // The payer is known now, so the gateway settles the second payment after its answer.
    await page.getByRole('button', { name: 'Call again' }).click();
    await pay(page);
    await page.getByText('The gateway moves the money later').waitFor();
    await page.getByText('It has moved, in transaction').waitFor();
    expect(
      await page.getByRole('link', { name: 'See it on the explorer' }).getAttribute('href'),
    ).toMatch(/^https:\/\/sepolia\.basescan\.org\/tx\/0x[0-9a-f]{64}$/);
    expect(await local.stack.chain.balanceOf(address)).toBe(98_000n);
  });

  it('signs for no more than the price on the page', async () => {
    const { page, wallet } = await openWithWallet(local, LOOKUP, { balance: 100_000n });
    await page.route('**/openapi.json', async (route) => {
      const response = await route.fetch();
      const text = await response.text();
      await route.fulfill({ response, body: text.replaceAll('"amount":"1000"', '"amount":"500"') });
    });
    await openPanel(page);
    await page.getByText('You pay 0.0005 USDC').waitFor();
    await pay(page);
    await page.getByText('The price has changed').waitFor();
    expect(wallet?.signed).toEqual([]);
  });

  it('explains an empty wallet before it signs', async () => {
    const { page, wallet } = await openWithWallet(local, LOOKUP, { balance: 0n });
    await openPanel(page);
    await pay(page);
    await page.getByText('has 0.00 USDC on Base Sepolia; this costs 0.001 USDC').waitFor();
    await inEveryLook(page, 'pay-empty-wallet');
    expect(wallet?.signed).toEqual([]);
  });

  it('pays once for a double click, and shows the answer again after a reload', async () => {
    const before = local.stack.upstream.counts().lookup;
    const { page, wallet, address } = await openWithWallet(local, LOOKUP, { balance: 100_000n });
    await openPanel(page);
    // Clicks twice before the page can disable its button.
    await page.evaluate(
      "for (const _ of [1, 2]) document.querySelector('.panel button.primary').click()",
    );
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('stream of water');
    await page.getByText('Verified: the gateway signed').waitFor();
    expect(local.stack.upstream.counts().lookup - before).toBe(1);
    expect(wallet?.signed).toHaveLength(1);
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
    await page.getByRole('button', { name: 'Call again' }).click();
    await page.getByRole('button', { name: /^Pay \d/ }).waitFor();
  });

  it('pays in a browser that denies storage', async () => {
    const { page, address } = await openWithWallet(local, LOOKUP, { balance: 100_000n });
    await page.addInitScript(`for (const name of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(globalThis, name, {
        get: () => { throw new DOMException('Access is denied.', 'SecurityError'); },
      });
    }`);
    await page.reload();
    await openPanel(page);
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    await page.getByText('You paid 0.001 USDC.').waitFor();
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('looks up a payment whose answer a reload has cut off, and does not pay again', async () => {
    const { page, wallet, address } = await openWithWallet(local, LOOKUP, { balance: 100_000n });
    let arrived = (): void => undefined;
    const ran = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await page.route('**/tools/lookup*', async (route) => {
      if (route.request().headers()['payment-signature'] === undefined) return route.fallback();
      await route.fetch();
      // The route never answers the page.
      arrived();
    });
    await openPanel(page);
    await pay(page);
    await ran;
    await page.reload();
    // Only now: without a route Chromium sends the request that waits in it, and its answer could come before the reload.
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.getByRole('heading', { name: 'Payment without an answer' }).waitFor();
    await inEveryLook(page, 'pay-cut-off');
    const signedBy = async (id: string): Promise<void> => {
      await page.evaluate(
        `sessionStorage['${RECORD}'] = JSON.stringify({ ...JSON.parse(sessionStorage['${RECORD}']), wallet: '${id}' })`,
      );
      await page.reload();
    };
    const { wallet: id } = JSON.parse(
      String(await page.evaluate(`sessionStorage['${RECORD}']`)),
    ) as { readonly wallet: string };
    await signedBy('example.gone');
    await page.getByText('The wallet that signed is not in this browser.').waitFor();
    await signedBy(id);
    await page.getByRole('button', { name: 'Look up the payment' }).click();
    await page.getByText('You paid 0.001 USDC.').waitFor();
    expect(wallet?.signed).toEqual(['TransferWithAuthorization', 'AgentIntent']);
    expect(await local.stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('offers an answer that is no text as a file, and says that a changed answer has no valid receipt', async () => {
    const { page } = await openWithWallet(local, LOOKUP, { balance: 100_000n });
    await page.route('**/tools/lookup*', async (route) => {
      if (route.request().headers()['payment-signature'] === undefined) return route.fallback();
      const response = await route.fetch();
      await route.fulfill({ response, body: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0]) });
    });
    await openPanel(page);
    await pay(page);
    await page.getByText('The answer is a file of 6 bytes.').waitFor();
    await page.getByText('Not valid: it is for another answer').waitFor();
    const link = page.getByRole('link', { name: 'Download the file' });
    const download = page.waitForEvent('download');
    await link.click();
    expect((await download).suggestedFilename()).toBe('lookup.bin');
  });
});
