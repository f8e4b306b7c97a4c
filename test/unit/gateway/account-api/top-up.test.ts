import { describe, expect, it } from 'vitest';
import type { Call } from '../../../../src/protocol/account/call.ts';
import { app } from '../../../../src/app.ts';
import { creditsTool } from '../../../../src/catalog/gateway-tools.ts';
import { openCatalogue } from '../../../../src/catalog/live-catalogue.ts';
import { observeOwn } from '../../../../src/gateway/observe.ts';
import { topUp } from '../../../../src/gateway/account-api/top-up.ts';
import { PaymentRequiredV1Schema, PaymentRequiredV2Schema } from '@x402/core/schemas';
import { documentOf } from '../../catalog/documents.ts';
import { type WatchedTools, watchedTools } from '../../catalog/watched.ts';
import {
  claimsOf,
  decoded,
  ENTRY,
  KEY_ACCOUNT,
  network,
  POLICY,
  scriptedGateway,
} from '../scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  oldPaymentHeader,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  vectorConfig,
} from '../signing.ts';
import { useVectorsClock } from '../../../support/vectors-clock.ts';

const SECOND = 'eip155:8453' as const;
const config = {
  ...vectorConfig(),
  networks: ['eip155:84532', SECOND] as const,
  payTo: new Map([...vectorConfig().payTo, [SECOND, `0x${'22'.repeat(20)}` as const]]),
};
const OWN = `eip155:84532:${addressOf('agent')}` as const;
const OTHER = `eip155:84532:${addressOf('owner')}` as const;

useVectorsClock();

const requestOf = (query: string, headers: Record<string, string> = {}, body?: string) =>
  new Request(`https://gw.example/credits${query}`, {
    method: 'POST',
    headers,
    ...(body === undefined ? {} : { body }),
  });
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

/** An account whose upfront payment has settled. */
const settledAccount = {
  reserve: async ({ price }: Call) =>
    ({
      verdict: 'go',
      entry: ENTRY,
      policy: POLICY,
      charged: price,
      paidFrom: 'payment',
      limits: [],
    }) as const,
  finish: async () =>
    ({
      verdict: 'finished',
      state: 'committed',
      charged: 50_000n,
      paidFrom: 'payment',
      payment: 'settled',
      transaction: `0x${'77'.repeat(32)}`,
      entry: ENTRY,
      policy: POLICY,
      limits: [],
    }) as const,
};

/** A payment of the top-up's amount, bound to the request. */
const bound = async (query: string) => {
  const amount = BigInt(new URLSearchParams(query).get('amount') ?? '0');
  const seen = await observeOwn(requestOf(query), config, creditsTool(amount));
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value, paying(amount));
  return paymentHeader(await paymentOf({ intent, value: amount, maxTimeoutSeconds: 300 }));
};
const vanilla = (value: bigint) => paymentOf({ value, maxTimeoutSeconds: 300 });

describe('the minimum top-up', () => {
  const priced = (id: string, price: string, more = {}) =>
    documentOf(id, { price, upstream: 'https://api.example/x', ...more });
  /** A gateway whose tools changed since the deployment; its file sells for $0.02. */
  const changed = async (tools: WatchedTools) => {
    const { gateway } = await scriptedGateway(config);
    const deployed = { ...config, documents: [], upstreamUrl: undefined };
    const catalogue = openCatalogue({ read: tools.read, raise: async () => true, deployed });
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

  it('ignores tools that are disabled, free, or hidden by another one at their path', async () => {
    const tools = watchedTools();
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
  ])('refuses %s before any proof is looked at', async (query, field) => {
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
    expect(unpaid.bodyUsed).toBe(true);
  });

  it.each([
    ['GET', '/credits?amount=1', 'POST'],
    ['PUT', '/credits?amount=1', 'POST'],
    ['POST', `/calls/0x${'00'.repeat(32)}`, 'GET'],
  ])('is for POST, and its neighbours for theirs: %s %s', async (method, path, allow) => {
    const answer = await app.request(`https://gateway.example${path}`, { method }, {});
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
    // Credit cannot buy credit, so the offer does not mention it.
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

  it('for an account is offered on the chain of that account only', async () => {
    const { gateway } = await scriptedGateway(config);
    const answer = await topUp(
      gateway,
      requestOf(`?amount=50000&account=${SECOND}:${addressOf('owner')}`),
    );
    expect(decoded(answer.headers.get('PAYMENT-REQUIRED'))).toMatchObject({
      accepts: [{ network: SECOND }],
    });
  });

  it('becomes the payer’s own credit, paid upfront, without an upstream call', async () => {
    const { sent } = network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const payment = await vanilla(50_000n);
    const answer = await topUp(gateway, requestOf('?amount=50000', paymentHeader(payment)));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    const nonce = payment.payload.authorization.nonce;
    expect(await bodyOf(answer)).toEqual({
      account: OWN,
      asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
      amount: '50000',
      payment: nonce,
    });
    expect(asked).toMatchObject([
      {
        asked: 'reserve',
        of: OWN,
        call: {
          tool: 'countersign.credits',
          settlement: 'upfront',
          price: 50_000n,
          topUp: { to: OWN },
          payment: {},
        },
      },
      { asked: 'finish', outcome: { success: true, status: 200, answer: { status: 200 } } },
    ]);
    expect(sent).toEqual([]);
    expect(claimsOf(answer.headers.get('Agent-Receipt'))).toMatchObject({
      tool: 'countersign.credits',
      charged: '50000',
      call: nonce,
    });
    expect(decoded(answer.headers.get('PAYMENT-RESPONSE'))).toMatchObject({
      success: true,
      amount: '50000',
      transaction: `0x${'77'.repeat(32)}`,
    });
  });

  it('for another account needs a bound payment', async () => {
    const query = `?amount=50000&account=${OTHER}`;
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const payment = await vanilla(50_000n);
    for (const headers of [paymentHeader(payment), oldPaymentHeader(payment)]) {
      const refused = await topUp(gateway, requestOf(query, headers));
      expect(refused.status).toBe(400);
      expect(await bodyOf(refused)).toMatchObject({
        type: 'urn:countersign:problem:binding-required',
        docs: 'https://gw.example/.well-known/agent-intent',
      });
    }
    expect(asked).toEqual([]);
    const answer = await topUp(gateway, requestOf(query, await bound(query)));
    expect(await bodyOf(answer)).toMatchObject({ account: OTHER, amount: '50000' });
    expect(asked[0]).toMatchObject({ of: OWN, call: { topUp: { to: OTHER }, binding: 'intent' } });
  });

  it('for the payer itself needs no bound payment, also with an escaped account', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config, settledAccount);
    for (const account of [OWN, encodeURIComponent(OWN)]) {
      const payment = paymentHeader(await vanilla(50_000n));
      const answer = await topUp(gateway, requestOf(`?amount=50000&account=${account}`, payment));
      expect(await bodyOf(answer)).toMatchObject({ account: OWN });
    }
  });

  it('bound to one account cannot be moved to another account or amount', async () => {
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const headers = await bound(`?amount=50000&account=${OTHER}`);
    const thief = `eip155:84532:0x${'33'.repeat(20)}`;
    const moved = await topUp(gateway, requestOf(`?amount=50000&account=${thief}`, headers));
    expect(await bodyOf(moved)).toMatchObject({
      field: 'PAYMENT-SIGNATURE.extensions.agent-intent.info.intent.target',
    });
    const grown = await topUp(gateway, requestOf(`?amount=60000&account=${OTHER}`, headers));
    expect(grown.status).toBe(400);
    expect(asked).toEqual([]);
  });

  it('cannot be paid from credit: an Agent-Intent gets the offer', async () => {
    const { gateway, asked } = await scriptedGateway(config, settledAccount);
    const seen = await observeOwn(requestOf('?amount=50000'), config, creditsTool(5n));
    if (!seen.ok) throw new Error('is a request');
    const headers = intentHeader(await signIntent(intentFor(seen.value, paying(5n))));
    const answer = await topUp(gateway, requestOf('?amount=50000', headers));
    expect(answer.status).toBe(402);
    expect(asked).toEqual([]);
  });
});
