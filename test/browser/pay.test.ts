import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, startStack } from '../../dev/stack/stack.ts';
import { TOOLS_FILE } from '../../dev/stack/tools.ts';
import { startBrowser } from './browser.ts';
import { axe, LOOKS, picture } from './dashboard-page.ts';
import { SCROLL_WIDTH } from './in-page.ts';
import { addSigningWallet, type SigningWallet, type WalletRules } from './signing-wallet.ts';

const directory = mkdtempSync(join(tmpdir(), 'countersign-'));
let stack: Stack;
let browser: Browser;

/** Written by an attacker who controls what an operator sells. */
const HOSTILE = `</p><img src=x onerror="document.title='taken'"><script>document.title='taken'</script>\u202e`;

const hostileTools = (): string => {
  const { tools } = JSON.parse(readFileSync(TOOLS_FILE, 'utf8')) as {
    readonly tools: readonly { readonly id: string }[];
  };
  const echo = tools.find(({ id }) => id === 'echo');
  const hostile = {
    ...echo,
    id: 'hostile',
    method: 'POST',
    path: '/tools/hostile',
    upstream: '/echo',
    description: HOSTILE,
    inputSchema: {
      type: 'object',
      properties: {
        [HOSTILE]: { type: 'string', description: HOSTILE },
        kind: { enum: [HOSTILE, 'plain'] },
      },
      additionalProperties: false,
    },
  };
  const file = join(directory, 'tools.json');
  writeFileSync(file, JSON.stringify({ tools: [...tools, hostile] }));
  return file;
};

beforeAll(async () => {
  stack = await startStack({
    persistTo: directory,
    file: join(directory, 'stack.json'),
    toolsFile: hostileTools(),
  });
  browser = await startBrowser();
});

afterEach(async () => {
  await Promise.all(browser.contexts().map(async (context) => await context.close()));
});

afterAll(async () => {
  await browser?.close();
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

type Visit = {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly wallet: SigningWallet | undefined;
  readonly address: `0x${string}`;
  /** What the console and the page reported: a violation of the policy is among it. */
  readonly complaints: readonly string[];
};

type With = {
  /** Atomic units in the wallet; undefined: no wallet. */
  readonly balance?: bigint;
  readonly rules?: WalletRules;
};

const visit = async (target: string, { balance, rules }: With = {}): Promise<Visit> => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const privateKey = generatePrivateKey();
  const address = privateKeyToAddress(privateKey);
  if (balance !== undefined && balance > 0n) await stack.chain.fund(address, balance);
  const wallet =
    balance === undefined
      ? undefined
      : await addSigningWallet(context, privateKey, stack.description.rpc, rules);
  // The keys of the local stack are a test of their own.
  await context.route('**/dashboard/local-keys.json', (route) => route.fulfill({ status: 204 }));
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    const text = message.text();
    if ((message.type() === 'error' || message.type() === 'warning') && !/\b40[124]\b/.test(text))
      complaints.push(text);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.goto(stack.gateway.url + target);
  return { page, context, wallet, address, complaints };
};

const LOOKUP = '/tools/lookup?word=river';

/** Opens the panel of a tool. */
const openPanel = async (page: Page, tool = 'lookup'): Promise<void> => {
  await page.getByRole('button', { name: new RegExp(`with a wallet: ${tool}$`) }).click();
  await page
    .getByRole('region', { name: `Pay for ${tool}` })
    .getByRole('button', { name: 'Close' })
    .waitFor();
};

const pay = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /^(?:Pay \d|Pay at most|Call$)/ }).click();
};

/** Looks at the page in each width and scheme. */
const inEveryLook = async (page: Page, name: string): Promise<void> => {
  for (const { width, colorScheme } of LOOKS) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await picture(page, `pay-${name}-${colorScheme}-${width}`);
    expect(await axe(page), name).toEqual([]);
    expect(await page.evaluate(SCROLL_WIDTH), name).toBe(width);
  }
};

describe('paying with a wallet', () => {
  it('pays, shows the answer and that the money has moved, readable in every width and scheme', async () => {
    const { page, wallet, address, complaints } = await visit(LOOKUP, { balance: 100_000n });
    await inEveryLook(page, '1-402');
    await openPanel(page);
    expect(await page.getByLabel('word').inputValue()).toBe('river');
    await inEveryLook(page, '2-form');
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('stream of water');
    await page.getByText('You paid 0.001 USDC.').waitFor();
    await page.getByText('It has moved, in transaction').waitFor();
    await page.getByText('Verified: the gateway signed').waitFor();
    await inEveryLook(page, '3-answer');
    expect(await stack.chain.balanceOf(address)).toBe(99_000n);
    expect(wallet?.signed).toEqual(['TransferWithAuthorization']);
    expect(complaints).toEqual([]);

    // The gateway knows this payer now, so it settles the second payment after the answer.
    await page.getByRole('button', { name: 'Call again' }).click();
    await pay(page);
    await page.getByText('The gateway moves the money later').waitFor();
    await page.getByText('It has moved, in transaction').waitFor();
    expect(
      await page.getByRole('link', { name: 'See it on the explorer' }).getAttribute('href'),
    ).toMatch(/^https:\/\/sepolia\.basescan\.org\/tx\/0x[0-9a-f]{64}$/);
    expect(await stack.chain.balanceOf(address)).toBe(98_000n);
  });

  it('says that the person declined, keeps what was typed, and pays at the second try', async () => {
    let declines = 1;
    const rules: WalletRules = {
      refuses: (method) => {
        if (method !== 'eth_signTypedData_v4' || declines === 0) return undefined;
        declines -= 1;
        return { code: 4001, message: 'User rejected the request.' };
      },
    };
    const { page, address } = await visit(LOOKUP, { balance: 100_000n, rules });
    await openPanel(page);
    await page.getByLabel('word').fill('edge');
    await pay(page);
    await page.getByText('You declined in the wallet. Nothing was paid.').waitFor();
    expect(await stack.chain.balanceOf(address)).toBe(100_000n);
    await picture(page, 'pay-declined');
    expect(await axe(page)).toEqual([]);
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('"word": "edge"');
  });

  it('signs for no more than the price on the page', async () => {
    const { page, wallet } = await visit(LOOKUP, { balance: 100_000n });
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
    const { page, wallet } = await visit(LOOKUP, { balance: 0n });
    await openPanel(page);
    await pay(page);
    await page.getByText('has 0.00 USDC on Base Sepolia; this costs 0.001 USDC').waitFor();
    await picture(page, 'pay-empty-wallet');
    expect(wallet?.signed).toEqual([]);
  });

  it('switches a wallet that is on another network, and explains one that does not know it', async () => {
    const { page, wallet } = await visit(LOOKUP, { balance: 100_000n, rules: { chainId: 1 } });
    await openPanel(page);
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(wallet?.calls).toContain('wallet_switchEthereumChain');

    const refuses = (method: string) =>
      method === 'wallet_switchEthereumChain' ? { code: 4902, message: 'Unrecognized' } : undefined;
    const other = await visit(LOOKUP, { balance: 100_000n, rules: { chainId: 1, refuses } });
    await openPanel(other.page);
    await pay(other.page);
    await other.page.getByText('The wallet does not know the network Base Sepolia').waitFor();
    expect(other.wallet?.signed).toEqual([]);
  });

  it('pays once for a double click, and shows the answer again after a reload', async () => {
    const before = stack.upstream.counts().lookup;
    const { page, wallet, address } = await visit(LOOKUP, { balance: 100_000n });
    await openPanel(page);
    // Two clicks before the page can disable its button.
    await page.evaluate(
      "for (const _ of [1, 2]) document.querySelector('.panel button.primary').click()",
    );
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.locator('.panel pre').innerText()).toContain('stream of water');
    await page.getByText('Verified: the gateway signed').waitFor();
    expect(stack.upstream.counts().lookup - before).toBe(1);
    expect(wallet?.signed).toHaveLength(1);
    expect(await stack.chain.balanceOf(address)).toBe(99_000n);
    await page.getByRole('button', { name: 'Call again' }).click();
    await page.getByRole('button', { name: /^Pay \d/ }).waitFor();
  });

  it('looks up a payment whose answer a reload has cut off, and does not pay again', async () => {
    const { page, wallet, address } = await visit(LOOKUP, { balance: 100_000n });
    let arrived = (): void => undefined;
    const ran = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await page.route('**/tools/lookup*', async (route) => {
      if (route.request().headers()['payment-signature'] === undefined) return route.fallback();
      await route.fetch();
      // The answer never reaches the page.
      arrived();
    });
    await openPanel(page);
    await pay(page);
    await ran;
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.reload();
    await page.getByRole('heading', { name: 'Payment without an answer' }).waitFor();
    await picture(page, 'pay-cut-off');
    expect(await axe(page)).toEqual([]);
    await page.getByRole('button', { name: 'Look up the payment' }).click();
    await page.getByText('You paid 0.001 USDC.').waitFor();
    expect(wallet?.signed).toEqual(['TransferWithAuthorization', 'AgentIntent']);
    expect(await stack.chain.balanceOf(address)).toBe(99_000n);
  });

  it('says what to install where there is no wallet', async () => {
    const { page } = await visit(LOOKUP);
    await openPanel(page);
    await page.getByText('This browser has no wallet.').waitFor();
    expect(await page.getByRole('button', { name: /^Pay \d/ }).isDisabled()).toBe(true);
    expect(await page.getByRole('link', { name: 'Rabby' }).getAttribute('rel')).toBe(
      'noopener noreferrer',
    );
    await picture(page, 'pay-no-wallet');
    expect(await axe(page)).toEqual([]);
  });

  it('lets a person choose among several wallets, and pays with the keyboard alone', async () => {
    const { page, context, address, wallet } = await visit('/', { balance: 100_000n });
    const second = generatePrivateKey();
    await stack.chain.fund(privateKeyToAddress(second), 100_000n);
    await addSigningWallet(context, second, stack.description.rpc, { name: 'Second Wallet' });
    await page.goto(stack.gateway.url + LOOKUP);
    await page.getByRole('button', { name: 'Pay with a wallet: lookup' }).focus();
    await page.keyboard.press('Enter');
    await page.getByLabel('word').waitFor();
    await expect.poll(() => page.evaluate('document.activeElement.tagName')).toBe('INPUT');
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    expect(await page.getByRole('radio', { name: 'Second Wallet' }).isChecked()).toBe(true);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('.panel h2:focus', { hasText: 'Answer' }).waitFor();
    expect(wallet?.signed).toEqual([]);
    expect(await stack.chain.balanceOf(address)).toBe(100_000n);
    expect(await stack.chain.balanceOf(privateKeyToAddress(second))).toBe(99_000n);
  });

  it('offers the owner of a local stack, and says what that wallet is', async () => {
    const { page, context } = await visit(LOOKUP);
    await context.unrouteAll();
    await page.reload();
    await openPanel(page);
    await page.getByRole('radio', { name: /Local owner.*its money is not real/ }).waitFor();
    await pay(page);
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    expect(await page.getByRole('link', { name: 'See it on the explorer' }).count()).toBe(0);
  });
});

describe('the tools on the page of the gateway', () => {
  it('are paid for with a form: a body, a choice', async () => {
    const { page, complaints } = await visit('/', { balance: 100_000n });
    await openPanel(page, 'translate');
    await pay(page);
    await page.getByText('Fill this in.').first().waitFor();
    await page.getByLabel('text', { exact: true }).fill('river');
    await page.getByLabel('to', { exact: true }).selectOption('fr');
    // A second form on the page has fields of its own.
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
    await inEveryLook(page, 'home');
    await page.getByRole('button', { name: 'Pay 0.02 USDC' }).click();
    await page.getByRole('heading', { name: 'Answer' }).waitFor();
    await page.getByText('You paid 0.02 USDC.').waitFor();
    expect(complaints).toEqual([]);
  });

  it('are called free of charge, and from credit that is bought there', async () => {
    const { page, wallet } = await visit('/', { balance: 2_000_000n });
    await openPanel(page, 'whoami');
    await pay(page);
    await page.getByText('This call was free.').waitFor();
    expect(wallet?.signed).toEqual(['AgentIntent']);

    await openPanel(page, 'summarise');
    const panel = page.getByRole('region', { name: 'Pay for summarise' });
    await panel.getByLabel('text').fill('The river is long. The bank is near.');
    await panel.getByRole('button', { name: /^Pay at most/ }).click();
    await panel.getByText('Your credit at this gateway does not cover the price.').waitFor();
    await picture(page, 'pay-credit');
    await panel.getByRole('button', { name: 'Buy 1.00 USDC of credit' }).click();
    await panel.getByText('You have bought 1.00 USDC of credit').waitFor();
    await panel.getByRole('button', { name: /^Pay at most/ }).click();
    await panel.getByText(/You paid [0-9.]+ USDC from your credit/).waitFor();
  });

  it('show names, descriptions and answers of others as text', async () => {
    const { page, complaints } = await visit('/', { balance: 100_000n });
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

  it('offer an answer that is no text as a file, and say that a changed answer has no valid receipt', async () => {
    const { page } = await visit(LOOKUP, { balance: 100_000n });
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

  it('are described without JavaScript: how software pays, and no button', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(stack.gateway.url + LOOKUP);
    expect(await page.getByRole('button').count()).toBe(0);
    expect(await page.locator('pre').first().innerText()).toContain('npx countersign call');
  });
});
