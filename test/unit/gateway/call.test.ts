import { describe, expect, it } from 'vitest';

import { call } from '../../../src/gateway/call.ts';

import vectors from '../../vectors/countersign-v1.json';
import { observe } from './fixture.ts';
import { claimsOf, decoded, KEY_ACCOUNT, network, scriptedGateway } from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
} from './signing.ts';

import { config, requestOf, signed, bodyOf } from './call-fixture.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';

useVectorsClock();

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
    // For a tool that is paid from credit only, the hint must not suggest a payment.
    const metered = await call(gateway, await signed('/tools/metered', paying(20_000n)));
    const { hint } = await bodyOf(metered);
    expect(hint).toMatch(/^Top up the account, .* with POST \/credits/);
    expect(hint).not.toContain('sign one');
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
