import { join } from 'node:path';
import { decodePaymentResponseHeader } from '@x402/core/http';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { person } from '../../dev/stack/people.ts';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { useSharedStack } from './browser-stack.ts';
import type { Seen } from './wallet-page.ts';

const local = useSharedStack();
const payer = person('payer on a page of another origin');
let site: RunningServer;
let page: Page;

/** Serves a page with the official x402 client from an origin other than the gateway's. */
const serveWallet = async (): Promise<RunningServer> => {
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, 'wallet-page.ts')],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  const script = bundle.outputFiles[0]?.text ?? '';
  return await serveLoopback({
    handler: async (request) =>
      new URL(request.url).pathname === '/wallet.js'
        ? new Response(script, { headers: { 'Content-Type': 'text/javascript' } })
        : new Response('<!doctype html><script type="module" src="/wallet.js"></script>', {
            headers: { 'Content-Type': 'text/html' },
          }),
  });
};

beforeAll(async () => {
  site = await serveWallet();
  await local.stack.chain.fund(payer.address, 100_000n);
});

beforeEach(async () => {
  page = await local.browser.newPage();
  await page.goto(site.url, { waitUntil: 'networkidle' });
});

afterAll(async () => await site?.stop());

const pay = async (target: string): Promise<Seen> => {
  const values = [local.stack.gateway.url, target, payer.privateKey].map((value) =>
    JSON.stringify(value),
  );
  return (await page.evaluate(`pay(${values.join(', ')})`)) as Seen;
};

describe('a browser page of another origin', () => {
  it('pays with the official client, and reads answer, receipt and headers', async () => {
    const account = `eip155:${local.stack.description.chainId}:${payer.address.toLowerCase()}`;
    const before = await local.stack.chain.balanceOf(payer.address);
    const seen = await pay('/tools/lookup?word=river');

    expect(new URL(page.url()).origin).not.toBe(local.stack.gateway.url);
    expect(seen.status).toBe(200);
    expect(JSON.stringify(seen.body)).toContain('stream of water');
    const paid = decodePaymentResponseHeader(seen.headers['payment-response'] ?? '');
    expect(paid).toMatchObject({
      success: true,
      payer: payer.address.toLowerCase(),
      amount: '1000',
    });
    expect(seen.receipt).toMatchObject({
      agent: account,
      tool: 'lookup',
      charged: '1000',
      status: 200,
    });
    expect(seen.receipt['call']).toBe(paid.extra?.['payment']);
    expect(seen.headers['ratelimit']).toMatch(/^"rate";r=/);
    // The gateway settles the first payment of a payer before the tool runs.
    expect(before - (await local.stack.chain.balanceOf(payer.address))).toBe(1000n);
  });

  it('pays a second time without waiting for the chain', async () => {
    const before = local.stack.upstream.counts().lookup;
    const seen = await pay('/tools/lookup?word=bank');
    const paid = decodePaymentResponseHeader(seen.headers['payment-response'] ?? '');
    expect(seen.status).toBe(200);
    expect(paid).toMatchObject({ success: true, transaction: '', extra: { status: 'accepted' } });
    expect(local.stack.upstream.counts().lookup - before).toBe(1);
  });

  it('sends no cookie and gets an answer that is not cached', async () => {
    const seen = await pay('/tools/echo/here');
    const { headers } = seen.body as { headers: Record<string, string> };
    expect(headers['user-agent']).toContain('Chrome');
    expect(headers['cookie']).toBeUndefined();
    expect(headers['payment-signature']).toBeUndefined();
    expect(seen.headers['cache-control']).toBe('private, no-store');
  });
});
