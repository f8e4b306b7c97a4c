import { describe, expect, it, vi } from 'vitest';

import type { Tool } from '../../../src/catalog/tool.ts';
import { call } from '../../../src/gateway/call.ts';

import { decoded, KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import {
  NOW,
  PAY_TO,
  paying,
  paymentHeader,
  paymentOf,
  search,
  translate,
  vectorConfig,
} from './signing.ts';

import { config, requestOf, signed, bodyOf } from './call-fixture.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();

describe('the answer of a card tool to a request without an intent', () => {
  const checkout: Tool = {
    ...translate,
    price: 20_000_000n,
    asset: 'iso4217:USD',
    settlement: 'card',
    onSilence: 'keep',
    requireBinding: 'intent',
  };
  const selling = vectorConfig([checkout]);

  it('is a 401 with the price, the currency and what to sign, and nothing that a wallet could pay', async () => {
    const { gateway } = await scriptedGateway(selling);
    const answer = await call(gateway, requestOf('/tools/translate'));
    expect(answer.status).toBe(401);
    expect(answer.headers.get('WWW-Authenticate')).toContain('AgentIntent error="intent_required"');
    expect(answer.headers.get('PAYMENT-REQUIRED')).toBeNull();
    const body = await bodyOf(answer);
    expect(body).toMatchObject({
      type: 'urn:countersign:problem:intent-required',
      intent: {
        tool: 'translate',
        payTo: PAY_TO,
        asset: '0x0000000000000000000000000000000000000348',
        maxAmount: '20000000',
      },
      price: {
        asset: 'iso4217:USD',
        amount: '20000000',
        dollars: '$20.00',
        pricing: 'exact',
        payees: { 'eip155:84532': PAY_TO },
      },
    });
    expect(body['detail']).toContain('$20.00');
    expect(body).not.toHaveProperty('accepts');
  });

  it('is the same 401 to a payment: no token pays for the tool', async () => {
    const { gateway, asked } = await scriptedGateway(selling);
    const request = requestOf('/tools/translate', paymentHeader(await paymentOf()));
    const answer = await call(gateway, request);
    expect(answer.status).toBe(401);
    expect(asked).toEqual([]);
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

  it('describes a tool to indexes of x402 only if its operator wants that', async () => {
    const indexed = { ...config, tools: config.tools.map((tool) => ({ ...tool, bazaar: true })) };
    const { gateway } = await scriptedGateway(indexed);
    const header = decoded(
      (await call(gateway, requestOf('/tools/translate'))).headers.get('PAYMENT-REQUIRED'),
    );
    expect(header['extensions']).toMatchObject({
      bazaar: { info: { input: { type: 'http', method: 'POST' } }, schema: {} },
      'agent-intent': { info: { tool: 'translate' } },
    });
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

  it('of a tool that takes credit only says so to x402 clients, which know no hint', async () => {
    const { gateway } = await scriptedGateway(config);
    const errorOf = async (path: string) => {
      const answer = await call(gateway, requestOf(path));
      const { error } = await bodyOf(answer);
      expect(decoded(answer.headers.get('PAYMENT-REQUIRED'))['error']).toBe(error);
      return error;
    };
    expect(await errorOf('/tools/metered')).toContain('Paid from credit only');
    expect(await errorOf('/tools/translate')).toBe('Payment required');
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

describe('the body of a caller without a usable proof', () => {
  const asked: readonly [string, string, Record<string, string>, number][] = [
    ['a paid tool without a proof', '/tools/translate', {}, 402],
    ['a free tool without a proof', '/tools/whoami', {}, 401],
    ['a proof that is no base64', '/tools/translate', { 'PAYMENT-SIGNATURE': '?' }, 400],
    ['two proofs', '/tools/translate', { 'X-PAYMENT': 'e30=', 'Agent-Intent': 'e30' }, 400],
    ['a Dry-Run that is neither yes nor no', '/tools/translate', { 'Dry-Run': 'yes' }, 400],
  ];

  it.each(asked)('is neither read nor cancelled: %s', async (_, path, headers, status) => {
    const body = unreadBody();
    const { gateway } = await scriptedGateway(vectorConfig([translate, whoami]));
    const request = new Request(`https://gw.example${path}`, {
      method: 'POST',
      body: body.stream,
      headers,
    });
    expect((await call(gateway, request)).status).toBe(status);
    // Cancelling the body would break the answer if a proxy is in front of the Worker.
    expect(body.happened).toEqual([]);
  });

  it('is neither read nor cancelled if it is announced longer than the tool takes', async () => {
    const body = unreadBody();
    const { gateway } = await scriptedGateway(vectorConfig([translate]));
    const request = new Request('https://gw.example/tools/translate', {
      method: 'POST',
      body: body.stream,
      headers: { 'Content-Length': '99999999' },
    });
    expect((await call(gateway, request)).status).toBe(402);
    expect(body.happened).toEqual([]);
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
