import type { LocalAccount } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { kindOf, readOffer, readProblem } from './support/offer.ts';
import { fundedAccount, sign, v2 } from './support/payment.ts';
import { sendRaw } from './support/raw.ts';
import { publishedKeys } from './support/receipt.ts';
import { lookup, useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
let account: LocalAccount;
beforeAll(async () => {
  account = await fundedAccount(world(), 1_000_000n);
});

describe('the gateway without a payment', () => {
  const CHROME =
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36';

  it.each(['lookup?word=river', 'report', 'enrich', `lookup?word=${'x'.repeat(3_000)}`])(
    'offers both versions of x402 in less than 2 KiB: %.20s',
    async (path) => {
      const post = path === 'report' || path === 'enrich';
      const answer = await world().send({ path: `/tools/${path}`, method: post ? 'POST' : 'GET' });
      const header = answer.headers.get('PAYMENT-REQUIRED') ?? '';
      expect(header.length).toBeGreaterThan(0);
      expect(header.length).toBeLessThan(2_048);
      expect(answer.headers.get('Cache-Control')).toContain('no-store');
      const offered = readOffer(answer);
      expect(offered.x402Version).toBe(2);
      expect(offered.accepts).toHaveLength(1);
      const body = (await answer.json()) as {
        readonly accepts: readonly [Readonly<Record<string, unknown>>];
      };
      const [newest] = offered.accepts;
      const tool = world().stack.description.tools.find(({ id }) => path.startsWith(id));
      expect(newest).toMatchObject({
        ...{
          scheme: 'exact',
          network: 'eip155:84532',
          asset: world().stack.description.usdc,
          payTo: world().payTo,
        },
        maxTimeoutSeconds: tool?.settlement === 'deferred' ? 3_600 : 300,
        extra: { name: 'USDC', version: '2' },
      });
      expect(Number(newest.amount) / 1_000_000).toBe(Number(tool?.price.slice(1)));
      expect(body).toMatchObject({
        x402Version: 1,
        type: 'urn:countersign:problem:payment-required',
        status: 402,
      });
      const { network, amount, ...shared } = newest;
      expect([network, body.accepts[0]['network']]).toEqual(['eip155:84532', 'base-sepolia']);
      expect(body.accepts).toEqual([
        expect.objectContaining({
          ...shared,
          maxAmountRequired: amount,
          description: expect.any(String) as string,
        }),
      ]);
    },
  );

  it('shows browsers a page, with the same offer in its header', async () => {
    const page = await world().send(lookup, {
      Accept: 'text/html,application/xhtml+xml',
      'User-Agent': CHROME,
    });
    expect(page.status).toBe(402);
    expect(page.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('Content-Security-Policy')).toContain("default-src 'none'");
    expect(readOffer(page).accepts).toEqual((await world().offer(lookup)).accepts);
    const html = await page.text();
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).toContain('0.001');
    // The page has one script, from this origin, which its Content-Security-Policy names. Nothing is inline.
    expect(html.match(/<script[^>]*>[^<]*/g)).toEqual([
      expect.stringMatching(/^<script [^>]*src="\/dashboard\/pay\.js"[^>]*>$/),
    ]);
    const agent = await world().send(lookup, { Accept: 'text/html', 'User-Agent': 'curl/8' });
    expect(agent.headers.get('Content-Type')).toBe('application/json');
  });

  it('allows pages of any origin to pay and to read the answer', async () => {
    const origin = 'https://page.example';
    const wanted = [
      'payment-signature',
      'x-payment',
      'agent-intent',
      'content-type',
      'access-control-expose-headers',
    ];
    const preflight = await world().send(
      { path: lookup.path, method: 'OPTIONS' },
      {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': wanted.join(','),
      },
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(preflight.headers.get('Access-Control-Allow-Credentials')).toBeNull();
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
      expect(preflight.headers.get('Access-Control-Allow-Methods')).toContain(method);
    const allowed = (preflight.headers.get('Access-Control-Allow-Headers') ?? '')
      .toLowerCase()
      .split(/,\s*/);
    for (const name of wanted) expect(allowed).toContain(name);

    const payment = await sign(world(), account, lookup);
    for (const headers of [{}, v2(payment), v2(payment)]) {
      const answer = await world().send(lookup, { Origin: origin, ...headers });
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
      const exposed = (answer.headers.get('Access-Control-Expose-Headers') ?? '').split(/,\s*/);
      for (const name of [
        'PAYMENT-REQUIRED',
        'PAYMENT-RESPONSE',
        'X-PAYMENT-RESPONSE',
        'Agent-Receipt',
        'RateLimit',
        'RateLimit-Policy',
        'Retry-After',
        'WWW-Authenticate',
      ])
        expect(exposed).toContain(name);
    }
  });

  it('reports its health, and publishes no private key', async () => {
    const health = await world().send({ path: '/healthz' });
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }]);
    const ready = await world().send({ path: '/readyz' });
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready' }]);
    const { keys } = await publishedKeys(world());
    expect(keys).toEqual([
      expect.objectContaining({
        kty: 'OKP',
        crv: 'Ed25519',
        use: 'sig',
        kid: expect.any(String) as string,
      }),
    ]);
    expect(Object.keys(keys[0] ?? {})).not.toContain('d');
  });

  it.each([
    ['/tools/nothing', 'GET', 404, 'not-found'],
    ['/tools/report', 'GET', 405, 'method-not-allowed'],
    ['/tools//lookup', 'GET', 400, 'not-canonical'],
    ['/tools/echo/a%2Fb', 'GET', 400, 'not-canonical'],
    ['/tools/echo/a%5cb', 'GET', 400, 'not-canonical'],
    ['/tools/echo/%00', 'GET', 400, 'not-canonical'],
    [`/tools/echo/${'a'.repeat(4_200)}`, 'GET', 414, 'target-too-long'],
  ])('answers %.30s with a problem', async (path, method, status, kind) => {
    const answer = await sendRaw(world().stack.description.gateway, { path, method, headers: [] });
    expect(answer.status).toBe(status);
    expect(kindOf(await readProblem(new Response(answer.text, answer)))).toBe(kind);
  });

  // The gateway answers before the body has arrived. If it cancelled the body, a tenth of these clients would receive no answer.
  it('answers every caller that sends a long body', async () => {
    const call = { path: '/tools/echo/long', method: 'POST', body: 'y'.repeat(180_000) };
    const statuses: number[] = [];
    for (let round = 0; round < 25; round += 1) {
      const answers = await Promise.all(Array.from({ length: 4 }, () => world().send(call)));
      for (const answer of answers) {
        statuses.push(answer.status);
        await answer.text();
      }
    }
    expect(new Set(statuses)).toEqual(new Set([402]));
  });
});
