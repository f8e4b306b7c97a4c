import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FinishVerdict } from '../../../src/protocol/account/finish.ts';
import type { Tool } from '../../../src/catalog/tool.ts';
import { call } from '../../../src/gateway/call.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import vectors from '../../vectors/countersign-v1.json';
import { observe } from './fixture.ts';
import {
  claimsOf,
  decoded,
  ENTRY,
  KEY_ACCOUNT,
  network,
  POLICY,
  scriptedGateway,
} from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  paying,
  paymentHeader,
  paymentOf,
  search,
  signIntent,
  translate,
  vectorConfig,
} from './signing.ts';

const metered: Tool = {
  ...translate,
  id: 'metered',
  path: '/tools/metered',
  settlement: 'credit',
  pricing: 'upto',
};
const strict: Tool = {
  ...translate,
  id: 'strict',
  path: '/tools/strict',
  requireBinding: 'intent',
};
const config = vectorConfig([translate, search, metered, strict]);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const requestOf = (
  path: string,
  headers: Record<string, string> = {},
  origin = 'https://gw.example',
) =>
  new Request(`${origin}${path}`, {
    method: path.startsWith('/tools/search') ? 'GET' : 'POST',
    headers,
  });

const signed = async (path: string, fields: Partial<AgentIntent> = {}, origin?: string) => {
  const seen = await observe(requestOf(path, {}, origin), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value.received, fields);
  return requestOf(path, intentHeader(await signIntent(intent)), origin);
};

const whoami: Tool = { ...search, id: 'whoami', method: 'POST', path: '/tools/whoami' };

/** A body that records whether the gateway reads or cancels it. */
const unreadBody = () => {
  const happened: string[] = [];
  const stream = new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        happened.push('read');
        controller.enqueue(new Uint8Array(65_536));
      },
      cancel: () => void happened.push('cancelled'),
    },
    { highWaterMark: 0 },
  );
  return { stream, happened };
};

const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

describe('a paid tool called with an Agent-Intent', () => {
  it('debits credit, sends no payment to the account and no payment response', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(200);
    expect(asked).toMatchObject([
      {
        asked: 'reserve',
        of: `eip155:84532:${addressOf('agent')}`,
        call: { proof: 'intent', binding: 'intent', price: 20_000n, settlement: 'deferred' },
      },
      { asked: 'finish', outcome: { success: true } },
    ]);
    const [first] = asked;
    expect(first?.asked === 'reserve' && first.call.payment).toBeUndefined();
    expect(answer.headers.get('PAYMENT-RESPONSE')).toBeNull();
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      iss: 'https://gw.example',
      binding: 'intent',
      charged: '20000',
    });
    expect(sent.map(({ url }) => url)).toEqual(['https://api.example/echo']);
    expect(sent[0]?.headers.get('Agent-Intent')).toBeNull();
  });

  it('rejects a wrong intent with its field and the description URL, before it asks the account', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/translate'));
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:intent-mismatch',
      field: 'Agent-Intent.intent.payTo',
      docs: 'https://gw.example/.well-known/agent-intent',
    });
    expect([asked, sent]).toEqual([[], []]);
  });

  it('names POST /credits if the credit does not cover the price', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async ({ account }) => ({
        verdict: 'denied',
        denial: { rule: 'credit', account, retryAllowed: true, policy: '0x' },
      }),
    });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(403);
    expect(await bodyOf(answer)).toMatchObject({
      rule: 'credit',
      hint: expect.stringContaining('POST /credits?amount=') as string,
    });
  });
});

describe('the assertion', () => {
  const go = (price: bigint) =>
    ({
      verdict: 'go',
      entry: ENTRY,
      policy: POLICY,
      charged: price,
      paidFrom: 'credit',
      limits: [],
    }) as const;

  it.each([
    { seconds: 5, age: 5, signed: 1 },
    { seconds: 6, age: 0, signed: 2 },
  ])(
    'is signed while the account decides, and again if that took $seconds s of its minute',
    async ({ seconds, age, signed: times }) => {
      const { sent } = network(KEY_ACCOUNT);
      const begun: number[] = [];
      let attempted = '';
      const { gateway } = await scriptedGateway(config, {
        reserve: async ({ price }, attempt) => {
          attempted = attempt;
          expect(begun).toHaveLength(1);
          vi.setSystemTime((NOW + seconds) * 1_000);
          return go(price);
        },
      });
      const { sign } = gateway.signer;
      const signer = {
        ...gateway.signer,
        sign: (claims: Readonly<Record<string, unknown>>, typ: string) => {
          if (typ === 'agent-assertion+jwt') begun.push(Number(claims['iat']));
          return sign(claims, typ);
        },
      };
      const request = await signed('/tools/translate', paying(20_000n));
      const answer = await call({ ...gateway, signer }, request);
      expect(answer.status).toBe(200);
      expect(begun).toHaveLength(times);
      expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)).toMatchObject({
        iat: NOW + seconds - age,
        max: '20000',
        jti: attempted,
        account: `eip155:84532:${addressOf('agent')}`,
      });
    },
  );

  it('is never sent if the tool must not run, whether or not it could be signed', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'conflict' }),
    });
    const signer = { ...gateway.signer, sign: () => Promise.reject(new Error('no key')) };
    const request = await signed('/tools/translate', paying(20_000n));
    expect((await call({ ...gateway, signer }, request)).status).toBe(409);
    expect(sent).toEqual([]);
  });
});

describe('the audience', () => {
  it('is the configured origin of the request: in the offer, the signature and the receipt', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const second = 'https://second.example';
    const offered = await call(gateway, requestOf('/tools/translate', {}, second));
    expect(decoded(offered.headers.get('PAYMENT-REQUIRED'))).toMatchObject({
      resource: { url: `${second}/tools/translate` },
      extensions: {
        'agent-intent': { info: { audience: second } },
        'agent-credit': { info: { topUp: `${second}/credits` } },
      },
    });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n), second));
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['iss']).toBe(second);
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)['iss']).toBe(second);
  });

  it('is never an origin outside the configuration', async () => {
    const { gateway } = await scriptedGateway(config);
    const offered = await call(gateway, requestOf('/tools/translate', {}, 'https://evil.example'));
    const text = atob(offered.headers.get('PAYMENT-REQUIRED') ?? '') + (await offered.text());
    expect(text).not.toContain('evil.example');
    expect(text).toContain('https://gw.example');
  });
});

describe('the 402', () => {
  it('describes binding and top-ups outside accepts', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, requestOf('/tools/translate?a=b'));
    expect(answer.status).toBe(402);
    const header = decoded(answer.headers.get('PAYMENT-REQUIRED'));
    expect(header['extensions']).toEqual({
      'payment-identifier': { info: { required: false } },
      'agent-intent': {
        info: {
          version: 1,
          audience: 'https://gw.example',
          tool: 'translate',
          binding: 'eip3009-nonce',
        },
      },
      'agent-credit': { info: { version: 1, topUp: 'https://gw.example/credits' } },
    });
    const body = await bodyOf(answer);
    expect(body['credit']).toEqual({
      top_up: 'https://gw.example/credits?amount=200000',
      hint: expect.any(String) as string,
    });
    expect(body['accepts']).toHaveLength(1);
    expect(header['accepts']).toHaveLength(1);
  });

  it.each([
    ['/tools/translate', /^Sign one entry of `accepts`/],
    ['/tools/strict', /^Sign an AgentIntent for this request\. Sign one entry/],
    ['/tools/metered', /^Buy credit with a POST to `credit\.top_up`/],
  ])('of %s asks for what that tool takes', async (path, hint) => {
    const { gateway } = await scriptedGateway(config);
    const { hint: said } = await bodyOf(await call(gateway, requestOf(path)));
    expect(said).toMatch(hint);
  });

  it('offers the maximum of a tool of variable price', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, requestOf('/tools/metered'));
    expect(decoded(answer.headers.get('PAYMENT-REQUIRED'))).toMatchObject({
      accepts: [{ scheme: 'exact', amount: '20000', maxTimeoutSeconds: 300 }],
    });
  });
});

describe('a tool that requires binding', () => {
  it('rejects a vanilla payment and names the header, the field and the description', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(
      gateway,
      requestOf('/tools/strict', paymentHeader(await paymentOf())),
    );
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:binding-required',
      field: 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent',
      hint: expect.stringContaining('extensions["agent-intent"].info.intent') as string,
      docs: 'https://gw.example/.well-known/agent-intent',
    });
    expect(asked).toEqual([]);
  });

  it('accepts an Agent-Intent, which is bound and pays from credit', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/strict', paying(20_000n)));
    expect(answer.status).toBe(200);
  });
});

describe('the 401 of a free tool', () => {
  it('states how to sign, and the request as the gateway saw it', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await call(gateway, requestOf('/tools/search.web?q=x'));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('WWW-Authenticate')).toBe(
      'AgentIntent error="intent_required", audience="https://gw.example", ' +
        'chains="eip155:84532", max_validity="300", tool="search.web"',
    );
    const { intent, docs } = await bodyOf(answer);
    expect(docs).toBe('https://gw.example/.well-known/agent-intent');
    expect(intent).toEqual({
      audience: 'https://gw.example',
      tool: 'search.web',
      method: 'GET',
      target: '/tools/search.web?q=x',
      contentType: '',
      payTo: '0x0000000000000000000000000000000000000000',
      asset: '0x0000000000000000000000000000000000000000',
      maxAmount: '0',
    });
  });

  it('also answers a payment, which a free tool does not accept', async () => {
    const { gateway } = await scriptedGateway(config);
    const headers = paymentHeader(await paymentOf());
    expect((await call(gateway, requestOf('/tools/search.web', headers))).status).toBe(401);
  });
});

describe('the body of a caller without a usable proof', () => {
  const asked: readonly [string, string, Record<string, string>, number][] = [
    ['a paid tool without a proof', '/tools/translate', {}, 402],
    ['a free tool without a proof', '/tools/whoami', {}, 401],
    ['a proof that is no base64', '/tools/translate', { 'PAYMENT-SIGNATURE': '?' }, 400],
    ['two proofs', '/tools/translate', { 'X-PAYMENT': 'e30=', 'Agent-Intent': 'e30' }, 400],
    ['a Dry-Run that is neither yes nor no', '/tools/translate', { 'Dry-Run': 'yes' }, 400],
    ['more bytes than the tool takes', '/tools/translate', { 'Content-Length': '99999999' }, 402],
  ];

  it.each(asked)('is cancelled unread: %s', async (_, path, headers, status) => {
    const body = unreadBody();
    const { gateway } = await scriptedGateway(vectorConfig([translate, whoami]));
    const request = new Request(`https://gw.example${path}`, {
      method: 'POST',
      body: body.stream,
      headers,
    });
    expect((await call(gateway, request)).status).toBe(status);
    expect(body.happened).toEqual(['cancelled']);
  });

  it('does not keep a proof alive that expires while the body arrives', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) => {
          vi.setSystemTime((NOW + 60) * 1_000);
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const payment = await paymentOf({ validBefore: BigInt(NOW + 30) });
    await call(
      gateway,
      new Request('https://gw.example/tools/translate', {
        method: 'POST',
        body,
        headers: paymentHeader(payment),
      }),
    );
    expect(asked[0]).toMatchObject({ asked: 'reserve', call: { execute: false } });
  });

  it('is read if the request has a proof', async () => {
    const body = unreadBody();
    const { gateway } = await scriptedGateway(config);
    const request = new Request('https://gw.example/tools/translate', {
      method: 'POST',
      body: body.stream,
      headers: paymentHeader(await paymentOf()),
    });
    await call(gateway, request);
    expect(body.happened).toContain('read');
  });
});

describe('signatures that only a contract could accept', () => {
  const { wrongParity, trailingByte, compact2098 } = vectors.mustFail.unpaidSignatureEncodings;

  it.each([wrongParity, trailingByte, compact2098])(
    'are rejected if the account has no code: %.12s…',
    async (signature) => {
      network(KEY_ACCOUNT);
      const { gateway, asked, rateLimited } = await scriptedGateway(config);
      const seen = await observe(requestOf('/tools/search.web?q=x'), config);
      if (!seen.ok) throw new Error('is a request');
      const { intent, chainId } = await signIntent(intentFor(seen.value.received));
      const headers = intentHeader({ chainId, intent, signature: signature as `0x${string}` });
      const answer = await call(gateway, requestOf('/tools/search.web?q=x', headers));
      expect(answer.status).toBe(400);
      expect(await bodyOf(answer)).toMatchObject({ fault: 'wrong_signer' });
      expect(asked).toEqual([]);
      expect(rateLimited).toHaveLength(1);
    },
  );
});

describe('a tool of variable price', () => {
  const charging = (header: string, status = 200) =>
    network(
      KEY_ACCOUNT,
      () => new Response('counted', { status, headers: { 'Settlement-Overrides': header } }),
    );
  const run = async (maxAmount = 20_000n) => {
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/metered', paying(maxAmount)));
    const ended = asked.find((each) => each.asked === 'finish');
    return { answer, outcome: ended?.asked === 'finish' ? ended.outcome : undefined };
  };

  it('charges what the tool reports, and states it in the receipt only', async () => {
    const { sent } = charging('{"amount":"1234"}');
    const { answer, outcome } = await run();
    expect(answer.status).toBe(200);
    expect(outcome).toMatchObject({ success: true, amount: 1_234n });
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('1234');
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)['max']).toBe('20000');
  });

  it('sends the signed maximum to the tool', async () => {
    const { sent } = charging('{"amount":"500"}');
    const { answer } = await run(500n);
    expect(answer.status).toBe(200);
    expect(claimsOf(sent[0]?.headers.get('X-Agent-Assertion') ?? null)['max']).toBe('500');
  });

  it('charges the whole reserved amount if the tool reports none', async () => {
    network(KEY_ACCOUNT);
    const { answer, outcome } = await run();
    expect(outcome).not.toHaveProperty('amount');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('20000');
  });

  it('that reports no charge fails if less than its maximum is reserved', async () => {
    network(KEY_ACCOUNT);
    const { answer, outcome } = await run(600n);
    expect(outcome).toMatchObject({ success: false });
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:upstream-overcharge',
    });
  });

  it('may succeed and charge nothing, also for a payment signature', async () => {
    charging('{"amount":"0"}');
    const { gateway } = await scriptedGateway(config);
    const headers = paymentHeader(await paymentOf({ maxTimeoutSeconds: 300 }));
    const answer = await call(gateway, requestOf('/tools/metered', headers));
    expect(answer.status).toBe(200);
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({
      success: true,
      amount: '0',
      extra: { paidFrom: 'credit' },
    });
  });

  it('states the real charge to a payer by signature', async () => {
    charging('{"amount":"77"}');
    const { gateway } = await scriptedGateway(config);
    const headers = paymentHeader(await paymentOf({ maxTimeoutSeconds: 300 }));
    const answer = await call(gateway, requestOf('/tools/metered', headers));
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({ amount: '77' });
  });

  it.each([
    ['more than was signed for', '{"amount":"501"}'],
    ['a number', '{"amount":500}'],
    ['a percentage', '{"amount":"50%"}'],
    ['dollars', '{"amount":"$0.05"}'],
    ['a leading zero', '{"amount":"010"}'],
    ['a negative amount', '{"amount":"-1"}'],
    ['another key', '{"amount":"1","to":"0x"}'],
    ['the key twice', '{"amount":"1","amount":"2"}'],
    ['the header twice', '{"amount":"1"}, {"amount":"2"}'],
    ['no JSON', '500'],
    ['nothing', ''],
  ])('that asks for %s has failed: nothing is charged, nothing is passed on', async (_, header) => {
    charging(header);
    const { answer, outcome } = await run(500n);
    expect(answer.status).toBe(502);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:upstream-overcharge',
      money: 'untouched',
    });
    expect(outcome).toMatchObject({ success: false, reason: 'refused' });
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      charged: '0',
      status: 0,
      response: 'none',
    });
  });

  it('charges nothing if it fails, whatever it reports', async () => {
    charging('{"amount":"999999"}', 500);
    const { answer, outcome } = await run();
    expect(answer.status).toBe(500);
    expect(outcome).toMatchObject({ success: false, reason: 'upstream_status' });
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
  });
});

describe('a tool of a fixed price', () => {
  it('ignores and removes the charge header', async () => {
    network(
      KEY_ACCOUNT,
      () => new Response('ok', { headers: { 'Settlement-Overrides': '{"amount":"999999"}' } }),
    );
    const { gateway, asked } = await scriptedGateway(config);
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Settlement-Overrides')).toBeNull();
    expect(asked.at(-1)).not.toHaveProperty('outcome.amount');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['charged']).toBe('20000');
  });
});

describe('an attempt that cannot report how the call ended', () => {
  const finished = { entry: ENTRY, state: 'abandoned', payment: 'none' } as const;

  it.each<[string, FinishVerdict, number, Record<string, unknown>]>([
    [
      'another attempt took over the call',
      { verdict: 'unknown_call' },
      503,
      { type: 'urn:countersign:problem:storage-unavailable', retry_after: 2 },
    ],
    [
      'the hold expired, and nothing is kept',
      { verdict: 'late', ...finished, charged: 0n, kept: false },
      504,
      { money: 'untouched' },
    ],
    [
      'the money moved and is credit',
      { verdict: 'late', ...finished, payment: 'settled', charged: 0n, kept: false },
      504,
      { money: 'credited' },
    ],
    [
      'the operator must resolve the call',
      { verdict: 'late', ...finished, payment: 'settled', charged: 20_000n, kept: true },
      504,
      { money: 'held' },
    ],
    [
      'the operator charged the call',
      { verdict: 'late', ...finished, payment: 'settled', charged: 20_000n, kept: false },
      504,
      { money: 'charged' },
    ],
  ])('says so: %s', async (_, verdict, status, body) => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, { finish: async () => verdict });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(answer.status).toBe(status);
    expect(await bodyOf(answer)).toMatchObject(body);
  });
});

describe('a stored answer', () => {
  it('is sent with the binding of the accepted call', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, {
      reserve: async () => ({
        verdict: 'stored',
        answer: { status: 200, headers: {}, body: btoa('answer') },
        charged: 20_000n,
        paidFrom: 'payment',
        payment: 'queued',
        binding: 'none',
        entry: '0x',
        policy: '0x',
      }),
    });
    const answer = await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(await answer.text()).toBe('answer');
    expect(claimsOf(answer.headers.get('Agent-Receipt'))['binding']).toBe('none');
  });
});

describe('payment events', () => {
  it('report an accepted payment, and no call without one', async () => {
    network(KEY_ACCOUNT);
    const { gateway, observed } = await scriptedGateway(config);
    const paid = requestOf('/tools/translate', paymentHeader(await paymentOf()));
    expect((await call(gateway, paid)).status).toBe(200);
    const told = [{ event: 'payment_accepted', network: 'eip155:84532', amount: 20_000n }];
    expect(observed).toEqual(told);
    await call(gateway, await signed('/tools/translate', paying(20_000n)));
    expect(observed).toEqual(told);
  });

  it('report no payment that the account denies', async () => {
    network(KEY_ACCOUNT);
    const { gateway, observed } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'conflict' }),
    });
    const paid = requestOf('/tools/translate', paymentHeader(await paymentOf()));
    expect((await call(gateway, paid)).status).toBe(409);
    expect(observed).toEqual([]);
  });
});
