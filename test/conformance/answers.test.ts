import { createHash, randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReceiptClaims } from '../../src/protocol/receipt.ts';
import { ALLOWED, adorn, type Adorned, FORBIDDEN } from './support/adorned.ts';
import { nowSeconds, pay, sign, trustedAccount, v2 } from './support/payment.ts';
import { sendRaw } from './support/raw.ts';
import { claimsOf, verify } from './support/receipt.ts';
import { lookup, type ToolCall, useWorld } from './support/world.ts';

let adorned: Adorned | undefined;
const world = useWorld({
  wire: async (real) => {
    adorned = await adorn(real.upstream);
    return { ...real, upstream: adorned.url };
  },
});
afterAll(() => adorned?.stop());

let account: LocalAccount;
beforeAll(async () => {
  account = await trustedAccount(world(), { reports: 4, balance: 1_000_000n });
});

/** A request as the echo tool received it. */
type Echoed = {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBase64: string;
};

const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');
const echoOf = async (answer: Response): Promise<Echoed> => {
  expect(answer.status).toBe(200);
  return (await answer.json()) as Echoed;
};

describe('a request that reaches a tool', () => {
  const PASSED = {
    accept: 'application/json',
    'accept-language': 'fr',
    'content-type': 'text/plain; charset=utf-8',
    'user-agent': 'agent/1.0',
    'if-none-match': '"x"',
    range: 'bytes=0-9',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
  const KEPT_BACK = {
    authorization: 'Bearer x',
    cookie: 'session=1',
    'agent-receipt': 'stream',
    'agent-anything': '1',
    'x-agent-assertion': 'forged',
    'payment-required': 'forged',
    'payment-response': 'forged',
    'proxy-authorization': 'Basic eA==',
    'keep-alive': 'timeout=9',
    te: 'trailers',
    'x-named': 'by Connection',
    connection: 'x-named',
    'cache-control': 'max-age=7',
    pragma: 'x',
    'cf-worker': 'forged',
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-host': 'evil.example',
    'x-original-url': '/tools/enrich',
    'x-http-method-override': 'DELETE',
    'cf-connecting-ip': '1.2.3.4',
    'x-unknown': '1',
  };

  it('has only allowed headers: no payment, no forged agent header, no hop-by-hop header', async () => {
    const call: ToolCall = { path: '/tools/echo/headers', method: 'POST' };
    const payment = await sign(world(), account, call);
    const headers = { ...PASSED, ...KEPT_BACK, ...v2(payment) };
    const answer = await sendRaw(world().stack.description.gateway, {
      ...{ path: call.path, method: 'POST', body: 'hello' },
      headers: [...Object.entries(headers), ['Content-Length', '5']],
    });
    expect(answer.status).toBe(200);
    const echoed = JSON.parse(answer.text) as Echoed;
    expect(echoed.headers).toMatchObject({ ...PASSED, 'accept-encoding': 'identity' });
    // The runtime writes these itself: transport headers, and the headers that `cache: no-store` adds.
    const runtime = [
      'host',
      'content-length',
      'connection',
      'cache-control',
      'pragma',
      'cf-worker',
    ];
    const known = [...Object.keys(PASSED), 'accept-encoding', 'x-agent-assertion', ...runtime];
    expect(Object.keys(echoed.headers).filter((name) => !known.includes(name))).toEqual([]);
    for (const [name, value] of Object.entries({ ...KEPT_BACK, ...v2(payment) }))
      expect(echoed.headers[name.toLowerCase()], name).not.toBe(value);
    // The payment must not leak under another name or in the body either.
    expect(JSON.stringify(echoed)).not.toContain(payment.payload.signature);
    expect(JSON.stringify(echoed)).not.toContain(v2(payment)['PAYMENT-SIGNATURE']);
  });

  it('carries an assertion for this call, body and upstream that the published keys verify', async () => {
    const call: ToolCall = {
      path: '/tools/echo/asserted',
      method: 'PUT',
      body: 'once',
      contentType: 'text/plain',
    };
    const payment = await sign(world(), account, call);
    const sentAt = nowSeconds();
    const { headers } = await echoOf(await world().send(call, v2(payment)));
    const answeredAt = nowSeconds();
    const claims = await verify(world(), headers['x-agent-assertion'] ?? '', 'agent-assertion+jwt');
    expect(claims).toMatchObject({
      iss: world().stack.description.audience,
      aud: `http://${headers['host']}`,
      account: `eip155:84532:${account.address.toLowerCase()}`,
      ...{
        call: payment.payload.authorization.nonce,
        tool: 'echo',
        digest: `0x${sha256('once')}`,
        binding: 'none',
      },
    });
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(60);
    expect(claims.iat).toBeGreaterThanOrEqual(sentAt);
    expect(claims.iat).toBeLessThanOrEqual(answeredAt);
  });

  it.each([
    '/tools/echo/a%20b/%C3%A9?x=%41&y=+&&z&q=%ff',
    '/tools/echo/?',
    '/tools/echo/~;,:@!$&()*=?a=/../b',
  ])('keeps path and query byte for byte: %s', async (path) => {
    const payment = await sign(world(), account, lookup);
    const answer = await sendRaw(world().stack.description.gateway, {
      path,
      headers: Object.entries(v2(payment)),
    });
    expect(answer.status, answer.text).toBe(200);
    const { pathname, search } = new URL(path, 'http://gateway.example');
    expect((JSON.parse(answer.text) as Echoed).path).toBe(
      (pathname + search).slice('/tools'.length),
    );
  });

  it.each(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])('keeps the method %s', async (method) => {
    const answer = await pay(world(), account, { path: '/tools/echo/method', method });
    expect(await echoOf(answer)).toMatchObject({ method, bodyBase64: '' });
  });

  it.each([
    ['all 256 byte values', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3])],
    ['300 KB, so that the answer streams', randomBytes(300_000)],
    ['exactly the largest allowed body', randomBytes(1024 * 1024)],
  ])('keeps the body byte for byte: %s', async (_, body) => {
    const call = {
      path: '/tools/echo/binary',
      method: 'POST',
      body: new Uint8Array(body),
      contentType: 'application/octet-stream',
    };
    const answer = await pay(world(), account, call);
    const { bodyBase64 } = await echoOf(answer.clone());
    expect(sha256(Buffer.from(bodyBase64, 'base64'))).toBe(sha256(body));
    const whole = Buffer.from(await answer.clone().arrayBuffer());
    // The charge of a longer answer is known at its end.
    if (whole.length > 64 * 1024) expect(answer.headers.get('Agent-Receipt')).toBeNull();
    else expect((await claimsOf(world(), answer))['response']).toBe(`0x${sha256(whole)}`);
  });

  it('is not sent when its body is too large, announced or chunked, and the payment stays usable', async () => {
    const length = 1024 * 1024 + 1;
    const call: ToolCall = {
      path: '/tools/echo/large',
      method: 'POST',
      contentType: 'application/octet-stream',
    };
    const url = world().stack.description.gateway + call.path;
    const payment = await sign(world(), account, call);
    const before = await world().counts();
    const chunked = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(length));
        controller.close();
      },
    });
    const unannounced = await fetch(url, {
      method: 'POST',
      headers: v2(payment),
      body: chunked,
      duplex: 'half',
    } as RequestInit);
    const post = async (size: number, headers: Readonly<Record<string, string>>) =>
      await fetch(url, { method: 'POST', headers, body: new Uint8Array(size) });
    // Send several requests: a proxy in front of the Worker once lost most of these answers, but not all of them.
    const sizes = [length, ...Array.from({ length: 5 }, () => 3 * length), 20 * length];
    for (const size of sizes) {
      // The gateway offers the tool instead: it reads no body without a proof (CWE-400).
      expect((await post(size, {})).status).toBe(402);
    }
    const announced = await Promise.all(sizes.map((size) => post(size, v2(payment))));
    for (const answer of [unannounced, ...announced]) {
      expect(answer.status).toBe(413);
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
      expect(await answer.json()).toMatchObject({ field: 'body', limit: 1024 * 1024 });
    }
    expect(await world().counts()).toEqual(before);
    expect((await world().send({ ...call, body: 'small' }, v2(payment))).status).toBe(200);
  });

  it.each([2, 4, 8])('gets its 413 while %i MiB are on their way in chunks', async (mebibytes) => {
    const call: ToolCall = {
      path: '/tools/echo/larger',
      method: 'POST',
      contentType: 'application/octet-stream',
    };
    const payment = await sign(world(), account, call);
    let left = mebibytes * 16;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.enqueue(new Uint8Array(64 * 1024));
        left -= 1;
        if (left === 0) controller.close();
      },
    });
    const url = world().stack.description.gateway + call.path;
    const sent: object = { method: 'POST', headers: v2(payment), body, duplex: 'half' };
    const answer = await fetch(url, sent);
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ field: 'body', limit: 1024 * 1024 });
  });
});

describe('an answer that reaches the caller', () => {
  it("drops the tool's headers that speak for the gateway, and may not be cached", async () => {
    const answer = await pay(world(), account, { path: '/tools/echo/adorned' });
    expect(await answer.text()).toBe('adorned');
    for (const [name, value] of Object.entries(ALLOWED))
      expect(answer.headers.get(name), name).toBe(value);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
    for (const [name, forged] of Object.entries(FORBIDDEN).filter(
      ([each]) => each !== 'Connection',
    )) {
      const got = answer.headers.get(name);
      expect(got, name).not.toBe(Array.isArray(forged) ? forged.join(', ') : forged);
      if (!['Cache-Control', 'PAYMENT-RESPONSE', 'Agent-Receipt', 'RateLimit'].includes(name))
        expect(got, name).toBeNull();
    }
    expect(await claimsOf(world(), answer)).toMatchObject({ charged: '1000' });
  });

  it('streams event by event before the tool ends', async () => {
    const answer = await pay(world(), account, { path: '/tools/echo/events' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Content-Type')).toBe('text/event-stream');
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    expect(answer.headers.get('Agent-Receipt')).toBeNull();
    const reader = (answer.body as ReadableStream<Uint8Array>)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    let text = '';
    const read = async (): Promise<boolean> => {
      const { done, value = '' } = await reader.read();
      text += value;
      return !done;
    };
    // The tool ends only after its caller has read the first event.
    while (!text.includes('\n\n')) expect(await read()).toBe(true);
    expect(text).toBe('id: 1\n\n');
    adorned?.release();
    while (await read());
    expect(text).toBe('id: 1\n\nid: 2\n\n');
  });
});

describe('a receipt', () => {
  it('proves the call to anyone with the published keys, and a forgery fails', async () => {
    const payment = await sign(world(), account, lookup);
    const sentAt = nowSeconds();
    const answer = await world().send(lookup, v2(payment));
    const answeredAt = nowSeconds();
    const claims = await claimsOf(world(), answer);
    const hash = expect.stringMatching(/^0x[0-9a-f]{64}$/) as string;
    expect(claims).toEqual({
      iss: world().stack.description.audience,
      agent: `eip155:84532:${account.address.toLowerCase()}`,
      ...{
        tool: 'lookup',
        call: payment.payload.authorization.nonce,
        charged: '1000',
        binding: 'none',
        status: 200,
      },
      asset: `eip155:84532/erc20:${world().stack.description.usdc.toLowerCase()}`,
      response: `0x${sha256(Buffer.from(await answer.arrayBuffer()))}`,
      ...{ request: hash, entry: hash, policy: hash, iat: expect.any(Number) as number },
    } satisfies Record<
      Exclude<keyof ReceiptClaims, 'refunded' | 'end' | 'usage' | 'basis'>,
      unknown
    >);
    expect(claims.iat).toBeGreaterThanOrEqual(sentAt);
    expect(claims.iat).toBeLessThanOrEqual(answeredAt);

    const token = answer.headers.get('Agent-Receipt') ?? '';
    const [head = '', body = '', signature = ''] = token.split('.');
    const altered = { ...claims, charged: '0' };
    const forged = [
      head,
      Buffer.from(JSON.stringify(altered)).toString('base64url'),
      signature,
    ].join('.');
    await expect(verify(world(), forged, 'agent-receipt+jwt')).rejects.toThrow(/signature/i);
    await expect(verify(world(), token, 'agent-assertion+jwt')).rejects.toThrow(/typ/);
    expect(body).not.toBe('');
    expect(answer.headers.get('RateLimit-Policy')).toMatch(/"rate";q=\d+;w=\d+/);
    expect(answer.headers.get('RateLimit')).toMatch(/"rate";r=\d+/);
  });
});
