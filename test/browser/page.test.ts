import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page, Response } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { useSharedStack } from './browser-stack.ts';
import { DESCRIPTION } from './hostile-tools.ts';
import { FOCUSED, GROUND, INJECTED, SHEET_WIDTH } from './in-page.ts';
import { inEveryLook } from './looks.ts';

const local = useSharedStack();

type Visit = {
  readonly page: Page;
  readonly response: Response;
  /** URLs that the page requested. */
  readonly requested: readonly string[];
  /** Messages on the console. */
  readonly console: readonly string[];
};

const visit = async (target: string): Promise<Visit> => {
  const page = await local.browser.newPage({ viewport: { width: 1280, height: 900 } });
  const requested: string[] = [];
  const messages: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  page.on('console', (message) => messages.push(message.text()));
  const response = await page.goto(local.stack.gateway.url + target, { waitUntil: 'networkidle' });
  if (response === null) throw new Error('no answer');
  return { page, response, requested, console: messages };
};

const PAY_SCRIPT_URL = () => `${local.stack.gateway.url}/dashboard/pay.js`;

/** The directives of both pages' policy that block `INJECTED`, as the browser names them. */
const STOPPED = ['connect-src', 'img-src', 'require-trusted-types-for', 'style-src-elem'];

describe('the page of the gateway', () => {
  it('is readable in any width and scheme', async () => {
    const { page, response, requested } = await visit('/');
    expect(response.status()).toBe(200);
    await inEveryLook(page, 'home');
    for (const open of await page.locator('summary').all()) await open.click();
    await inEveryLook(page, 'home-open');
    const shown = await page.locator('body').innerText();
    for (const { id, price } of local.stack.description.tools) {
      expect(shown).toContain(id);
      expect(shown).toContain(price === '$0.00' ? 'Free' : `${price.slice(1)} USDC`);
    }
    expect(shown).toContain(`${local.stack.description.audience}/mcp`);
    expect(requested).toEqual([response.url(), PAY_SCRIPT_URL()]);
  });

  it('can be used by keyboard', async () => {
    const { page } = await visit('/');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUSED)).toEqual({ name: 'A', visible: true });
    await page.keyboard.press('Enter');
    await page.waitForURL(/#tools$/);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUSED)).toEqual({ name: 'BUTTON', visible: true });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUSED)).toEqual({ name: 'SUMMARY', visible: true });
    expect(await page.locator('details[open]').count()).toBe(0);
    await page.keyboard.press('Enter');
    expect(await page.locator('details[open]').count()).toBe(1);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(FOCUSED)).toEqual({ name: 'PRE', visible: true });
  });

  it('runs and loads only what pays, and shows foreign text as text', async () => {
    const { page, console: messages } = await visit('/');
    const title = await page.title();
    expect(await page.locator('.about', { hasText: 'Looks a word up.' }).innerText()).toBe(
      DESCRIPTION,
    );
    expect(await page.locator('script, img').count()).toBe(1);
    expect(messages.filter((line) => line.includes('Content Security Policy'))).toEqual([]);
    expect(await page.evaluate(INJECTED)).toEqual({
      stopped: STOPPED,
      title,
      display: 'block',
    });
  });

  it('has an example that runs unchanged', async () => {
    const { page } = await visit('/');
    const example = await page.locator('main > .ways pre').last().innerText();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', example],
      { cwd: ROOT, env: { ...process.env, AGENT_KEY: local.stack.description.agent.privateKey } },
    );
    expect(stdout).toContain('"word"');
  });
});

describe('the page of a paid tool', () => {
  it('is readable in any width and scheme', async () => {
    const { page, response, requested } = await visit('/tools/lookup?word=river');
    expect(response.status()).toBe(402);
    const shown = await page.locator('main').innerText();
    for (const text of [
      '402',
      'lookup',
      '0.001 USDC',
      local.stack.description.payTo,
      'Base Sepolia',
    ])
      expect(shown).toContain(text);
    expect(requested).toEqual([response.url(), PAY_SCRIPT_URL()]);
    await inEveryLook(page, '402');
  });

  it('follows the colour scheme of the system', async () => {
    const { page } = await visit('/tools/lookup?word=river');
    const ground = async (colorScheme: 'light' | 'dark') => {
      await page.emulateMedia({ colorScheme });
      return await page.evaluate(GROUND);
    };
    expect(await ground('light')).not.toBe(await ground('dark'));
  });

  it('shows the keyboard focus', async () => {
    const { page } = await visit('/tools/lookup?word=river');
    for (const name of ['BUTTON', 'A', 'PRE']) {
      await page.keyboard.press('Tab');
      expect(await page.evaluate(FOCUSED)).toEqual({ name, visible: true });
    }
  });

  it('runs and loads only what pays', async () => {
    const { page, response } = await visit('/tools/lookup?word=river');
    const headers = response.headers();
    expect(headers['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-/,
    );
    expect(headers['x-content-type-options']).toBe('nosniff');
    // The policy allows the page's own style by its hash.
    expect(await page.evaluate(SHEET_WIDTH)).not.toBe('none');
    expect(await page.evaluate(INJECTED)).toEqual({
      stopped: STOPPED,
      title: 'lookup: payment required',
      display: 'block',
    });
  });

  it('shows foreign text as text', async () => {
    const mean = `${encodeURI('</code><script>document.title="x"</script>"&')}'`;
    const { page, console: messages } = await visit(`/tools/lookup?word=${mean}`);
    expect(await page.locator('.about').innerText()).toBe(DESCRIPTION);
    expect(await page.title()).toBe('lookup: payment required');
    expect(await page.locator('script, img').count()).toBe(1);
    expect(await page.locator('pre').first().innerText()).toContain('/tools/lookup?word=%3C');
    expect(messages.filter((line) => line.includes('Content Security Policy'))).toEqual([]);
  });

  it('has an example that runs unchanged', async () => {
    const before = local.stack.upstream.counts().lookup ?? 0;
    const { page } = await visit('/tools/lookup?word=river');
    const example = await page.locator('pre').last().innerText();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', example],
      { cwd: ROOT, env: { ...process.env, AGENT_KEY: local.stack.description.agent.privateKey } },
    );
    expect(stdout).toContain('stream of water');
    expect((local.stack.upstream.counts().lookup ?? 0) - before).toBe(1);
  });
});
