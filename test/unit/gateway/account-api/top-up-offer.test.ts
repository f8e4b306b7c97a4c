import { createExecutionContext } from 'cloudflare:test';
import { PaymentRequiredV1Schema, PaymentRequiredV2Schema } from '@x402/core/schemas';
import { describe, expect, it } from 'vitest';
import { app } from '../../../support/deployed.ts';
import { openCatalogue } from '../../../../src/catalog/live-catalogue.ts';
import { BUILT_IN_POLICY } from '../../../../src/policy/policy.ts';
import { topUp } from '../../../../src/gateway/account-api/top-up.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';
import { documentOf } from '../../catalog/documents.ts';
import { type WatchedTools, watchedTools } from '../../catalog/watched.ts';
import { decoded, scriptedGateway } from '../scripted.ts';
import { addressOf, paymentHeader } from '../signing.ts';
import { bodyOf, bound, config, OTHER, requestOf, SECOND, vanilla } from './top-up-fixture.ts';

useVectorsClock();

describe('the minimum top-up', () => {
  const priced = (id: string, price: string, more = {}) =>
    documentOf(id, { price, upstream: 'https://api.example/x', ...more });
  /** A gateway whose tools have changed since the deployment. Its deployed file sells for $0.02. */
  const changed = async (tools: WatchedTools) => {
    const { gateway } = await scriptedGateway(config);
    const deployed = { ...config, documents: [], upstreamUrl: undefined };
    const catalogue = openCatalogue({
      policy: BUILT_IN_POLICY,
      writeTexts: async () => true,
      read: tools.read,
      raise: async () => true,
      deployed,
    });
    return { ...gateway, catalogue };
  };
  const statusFor = async (tools: WatchedTools, amount: number) => {
    const answer = await topUp(await changed(tools), requestOf(`?amount=${amount}`));
    await answer.body?.cancel();
    return answer.status;
  };

  it('is the price of the cheapest current tool, not of the deployed file', async () => {
    const tools = watchedTools();
    tools.put(priced('cheap', '$0.001'));
    expect([await statusFor(tools, 999), await statusFor(tools, 1_000)]).toEqual([400, 402]);
    tools.remove('cheap');
    expect(await statusFor(tools, 1_000)).toBe(400);
    tools.put(priced('translate', '$0.50', { path: '/tools/translate', method: 'POST' }));
    expect([await statusFor(tools, 499_999), await statusFor(tools, 500_000)]).toEqual([400, 402]);
  });

  it('ignores tools that are disabled, free, hidden by another one at their path, or charge a card', async () => {
    const tools = watchedTools();
    tools.put(
      priced('carded', '$0.001', {
        ...{
          settlement: 'card',
          asset: 'iso4217:USD',
          onSilence: 'keep',
          requireBinding: 'intent',
        },
        card: { provider: 'issuing' },
      }),
    );
    tools.put(priced('off', '$0.001', { disabled: true }));
    tools.put(priced('free', '$0', { settlement: 'free' }));
    tools.put(priced('a-first', '$3', { path: '/tools/same' }));
    tools.put(priced('b-second', '$0.001', { path: '/tools/same' }));
    expect([await statusFor(tools, 19_999), await statusFor(tools, 20_000)]).toEqual([400, 402]);
  });
});

describe('POST /credits', () => {
  it.each([
    ['', 'amount'],
    ['?amount=', 'amount'],
    ['?amount=0', 'amount'],
    ['?amount=-1', 'amount'],
    ['?amount=19999', 'amount'],
    ['?amount=01', 'amount'],
    ['?amount=1.5', 'amount'],
    ['?amount=1e6', 'amount'],
    ['?amount=0x10', 'amount'],
    ['?amount=%205', 'amount'],
    ['?amount=+5', 'amount'],
    ['?amount=1000000000001', 'amount'],
    ['?amount=20000&amount=20000', 'amount'],
    ['?amount=20000&amount=2', 'amount'],
    ['?amount=20000&to=x', 'query'],
    ['?Amount=20000', 'query'],
    ['?amount=20000&account=', 'account'],
    ['?amount=20000&account=0x2b5ad5c4795c026514f8317c7a215e218dccd6cf', 'account'],
    ['?amount=20000&account=eip155:84532:0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF', 'account'],
    ['?amount=20000&account=eip155:084532:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf', 'account'],
    ['?amount=20000&account=eip155:1:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf', 'account'],
    [`?amount=20000&account=${OTHER}&account=${OTHER}`, 'account'],
    [`?amount=20000&account=eip155:84532:0x${'00'.repeat(20)}`, 'account'],
  ])('rejects the query %s before it reads a proof', async (query, field) => {
    const { gateway, asked } = await scriptedGateway(config);
    for (const headers of [{}, paymentHeader(await vanilla(1n))]) {
      const answer = await topUp(gateway, requestOf(query, headers));
      expect(answer.status).toBe(400);
      const body = await bodyOf(answer);
      expect(body).toMatchObject({ type: 'urn:countersign:problem:malformed-request', field });
      expect(body['detail']).toMatch(/must|may/);
    }
    expect(asked).toEqual([]);
  });

  it('rejects a body with a payment, and offers without reading one', async () => {
    const { gateway } = await scriptedGateway(config);
    const paid = requestOf('?amount=20000', await bound('?amount=20000'), '{}');
    expect((await topUp(gateway, paid)).status).toBe(413);
    const unpaid = requestOf('?amount=20000', {}, '{}');
    expect((await topUp(gateway, unpaid)).status).toBe(402);
    expect(unpaid.bodyUsed).toBe(false);
  });

  it.each([
    ['GET', '/credits?amount=1', 'POST'],
    ['PUT', '/credits?amount=1', 'POST'],
    ['POST', `/calls/0x${'00'.repeat(32)}`, 'GET'],
  ])('answers 405 with the allowed method to %s %s', async (method, path, allow) => {
    const request = new Request(`https://gateway.example${path}`, { method });
    const answer = await app.fetch(request, {} as Env, createExecutionContext());
    expect(answer.status).toBe(405);
    expect(answer.headers.get('Allow')).toBe(allow);
  });

  it.each(['20000', '1000000000000'])('offers %s, upfront, on every network', async (amount) => {
    const { gateway } = await scriptedGateway(config);
    const answer = await topUp(gateway, requestOf(`?amount=${amount}`));
    expect(answer.status).toBe(402);
    const header = decoded(answer.headers.get('PAYMENT-REQUIRED'));
    expect(PaymentRequiredV2Schema.safeParse(header).success).toBe(true);
    expect(header).toMatchObject({
      resource: { url: `https://gw.example/credits?amount=${amount}` },
      accepts: [
        { network: 'eip155:84532', amount, maxTimeoutSeconds: 300 },
        { network: SECOND, amount, maxTimeoutSeconds: 300 },
      ],
    });
    // Credit cannot pay for credit, so the offer does not mention it.
    expect(header['extensions']).toEqual({
      'payment-identifier': { info: { required: false } },
      'agent-intent': {
        info: {
          version: 1,
          audience: 'https://gw.example',
          tool: 'countersign.credits',
          binding: 'eip3009-nonce',
        },
      },
    });
    const body = await bodyOf(answer);
    expect(PaymentRequiredV1Schema.safeParse(body).success).toBe(true);
    expect(body).not.toHaveProperty('credit');
  });

  it('offers a top-up for an account on the chain of that account only', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await topUp(
      gateway,
      requestOf(`?amount=50000&account=${SECOND}:${addressOf('owner')}`),
    );
    expect(decoded(answer.headers.get('PAYMENT-REQUIRED'))).toMatchObject({
      accepts: [{ network: SECOND }],
    });
  });
});
