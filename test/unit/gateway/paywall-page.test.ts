import { describe, expect, it } from 'vitest';
import { PAY_SCRIPT } from '../../../src/gateway/page.ts';
import { PAGE_STYLE } from '../../../src/gateway/paywall-page.ts';
import { paywallPage } from '../../../src/gateway/paywall-page.ts';
import type { Offer } from '../../../src/protocol/x402/offer.ts';
import { publicTool } from '../../../src/gateway/public-tool.ts';
import { configOf, toolOf } from './fixture.ts';

const offerOf = (url: string): Offer => ({
  resource: { url, description: '', mimeType: 'application/json' },
  error: 'Payment required',
  requirements: [
    {
      scheme: 'exact',
      network: 'eip155:84532',
      amount: 20_000n,
      asset: '0x036cbd53842c5426634e7929541ec2318f3dcf7e',
      payTo: '0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed',
      maxTimeoutSeconds: 3_600,
      extra: { name: 'USDC', version: '2' },
    },
  ],
  extensions: {},
});

const HOSTILE = `</code></pre><script>alert("x")</script>&'`;
const page = (
  change: Parameters<typeof toolOf>[0] = {},
  url = 'https://gw.example/tools/lookup?word=tea',
) =>
  paywallPage({
    tool: publicTool(
      configOf(),
      toolOf({ id: 'lookup', method: 'GET', price: 20_000n, ...change }),
    ),
    offer: offerOf(url),
  });

describe('paywallPage', () => {
  it('shows the tool, its price, the payee and the network', () => {
    const { html } = page({ description: 'Looks up a word.' });
    for (const text of [
      'lookup',
      'Looks up a word.',
      '0.02</strong> <span>USDC',
      '--max 0.02',
      'Base Sepolia',
      '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
      '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
      'USDC',
      'createAgent',
      'Any other client',
      'https://gw.example/tools/lookup?word=tea',
    ]) {
      expect(html).toContain(text);
    }
  });

  it('escapes markup of the tool and the URL', () => {
    const { html } = page(
      { description: HOSTILE, mimeType: HOSTILE },
      `https://gw.example/?q=${HOSTILE}`,
    );
    expect(html.replace(PAY_SCRIPT, '')).not.toContain('<script');
    expect(html).not.toContain(HOSTILE);
    expect(html.match(/<\/pre>/g)).toHaveLength(2);
    expect(html).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
  });

  it('runs only the script of this origin that pays', async () => {
    const { html, headers } = page();
    expect(html).toContain('<div class="pay" data-pay="lookup"></div>');
    expect(html.replace(PAY_SCRIPT, '')).not.toMatch(
      /<(script|img|link|iframe|form|object|base)\b|\son\w+=|style="|@import|url\(/i,
    );
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(PAGE_STYLE));
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
    expect(headers['Content-Security-Policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'sha256-${hash}'; connect-src 'self'; require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(html).toContain(`<style>${PAGE_STYLE}</style>`);
    expect(headers['Cache-Control']).toBe('private, no-store');
    expect(headers['X-Content-Type-Options']).toBe('nosniff');
  });

  it('follows the colour scheme, and shows the keyboard focus', () => {
    expect(PAGE_STYLE).toContain('prefers-color-scheme:dark');
    expect(PAGE_STYLE).toContain(':focus-visible');
    expect(page().html).toContain('<pre tabindex="0" role="region" aria-label=');
  });

  it('shows a method other than GET', () => {
    expect(page({ method: 'POST' }).html).toContain('method: &#39;POST&#39;');
    expect(page().html).not.toContain('method:');
  });

  it('states which clients cannot call the tool, and its maximum price', () => {
    const bound = page({ requireBinding: 'intent' }).html;
    expect(bound).toContain('only payments that are bound');
    expect(bound).not.toContain('Any other client');
    const credit = page({ settlement: 'credit', pricing: 'upto' }).html;
    expect(credit).toContain('at most per call');
    expect(credit).toContain('agent.topUp(&#39;https://gw.example&#39;');
    expect(credit).not.toContain('Any other client');
  });
});
