import { describe, expect, it } from 'vitest';
import { useSharedStack } from './browser-stack.ts';
import { HOSTILE } from './hostile-tools.ts';
import { inEveryLook } from './looks.ts';
import { LOOKUP, openPanel, openWithWallet, pay } from './pay-page.ts';

const local = useSharedStack();

describe('the tools on the page of the gateway', () => {
  it('are paid for with a form: a body, a choice', async () => {
    const { page, complaints } = await openWithWallet(local, '/', { balance: 100_000n });
    await openPanel(page, 'translate');
    await pay(page);
    await page.getByText('Fill this in.').first().waitFor();
    await page.getByLabel('text', { exact: true }).fill('river');
    await page.getByLabel('to', { exact: true }).selectOption('fr');
    // A second form on the page must have fields of its own.
    await openPanel(page, 'report');
    await page
      .getByRole('region', { name: 'Pay for report' })
      .getByLabel('text', { exact: true })
      .fill('other');
    expect(
      await page
        .getByRole('region', { name: 'Pay for translate' })
        .getByLabel('text', { exact: true })
        .inputValue(),
    ).toBe('river');
    await inEveryLook(page, 'pay-home');
    await page.getByRole('button', { name: 'Pay 0.02 USDC' }).click();
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    await page.getByText('You paid 0.02 USDC.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('are called free of charge, and from credit that is bought there', async () => {
    const { page, wallet } = await openWithWallet(local, '/', { balance: 2_000_000n });
    await openPanel(page, 'whoami');
    await pay(page);
    await page.getByText('This call was free.').waitFor();
    expect(wallet?.signed).toEqual(['AgentIntent']);

    await openPanel(page, 'summarise');
    const panel = page.getByRole('region', { name: 'Pay for summarise' });
    await panel.getByText('You pay at most 0.05 USDC from your credit on Base Sepolia.').waitFor();
    await panel.getByLabel('text').fill('The river is long. The bank is near.');
    await panel.getByRole('button', { name: /^Pay at most/ }).click();
    await panel.getByText('Your credit at this gateway does not cover the price.').waitFor();
    await inEveryLook(page, 'pay-credit');
    await panel.getByRole('button', { name: 'Buy 1.00 USDC of credit' }).click();
    await panel.getByText('You have bought 1.00 USDC of credit').waitFor();
    await panel.getByRole('button', { name: /^Pay at most/ }).click();
    await panel.getByText(/You paid [0-9.]+ USDC from your credit/).waitFor();
  });

  it('show names, descriptions and answers of others as text', async () => {
    const { page, complaints } = await openWithWallet(local, '/', { balance: 100_000n });
    const title = await page.title();
    await openPanel(page, 'hostile');
    const panel = page.getByRole('region', { name: 'Pay for hostile' });
    await panel.locator('.arguments :is(input, textarea)').first().fill(HOSTILE);
    await panel.locator('select').selectOption({ index: 1 });
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('onerror');
    expect(await page.locator('main').locator('img, script').count()).toBe(0);
    expect(await page.title()).toBe(title);
    expect(complaints).toEqual([]);
  });

  it('are described without JavaScript: how software pays, and no button', async () => {
    const context = await local.browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(local.stack.gateway.url + LOOKUP);
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await page.locator('pre').first().innerText()).toContain('npx countersign call');
  });
});
