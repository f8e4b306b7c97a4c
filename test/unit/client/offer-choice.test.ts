import { type ErrorCode } from '../../../src/client/index.ts';
import {
  agentOf,
  BASE_SEPOLIA,
  base64Json,
  entry,
  entry1,
  GATEWAY,
  offer,
  offer1,
  PAY_TO,
  scripted,
  type Step,
  URL_OF_TOOL,
  USDC,
  clientErrorOf,
  countingSigner,
} from './server.ts';
import { describe, expect, it } from 'vitest';

const OTHER = `0x${'77'.repeat(20)}`;

describe('an agent pays no malicious 402', () => {
  const cases: readonly (readonly [string, Readonly<Record<string, unknown>>, ErrorCode])[] = [
    ['a higher price', { amount: '50001' }, 'over_per_call'],
    ['an enormous price', { amount: '9'.repeat(60) }, 'over_per_call'],
    ['another payee', { payTo: OTHER }, 'payee_not_allowed'],
    ['another asset', { asset: OTHER }, 'asset_not_allowed'],
    ['another chain', { network: 'eip155:8453' }, 'asset_not_allowed'],
    ['an unknown chain', { network: 'eip155:999999' }, 'network_unsupported'],
    ['a chain that is no EVM', { network: 'solana:5eykt4' }, 'network_unsupported'],
    ['another scheme', { scheme: 'subscription' }, 'scheme_unsupported'],
    ['upto without Permit2', { scheme: 'upto' }, 'flow_unsupported'],
    ['another domain name', { extra: { name: 'USD Coin', version: '2' } }, 'token_mismatch'],
    ['another domain version', { extra: { name: 'USDC', version: '1' } }, 'token_mismatch'],
    ['Permit2', { extra: { assetTransferMethod: 'permit2' } }, 'flow_unsupported'],
    ['an unknown flow', { extra: { paymentFlow: 'trust-me' } }, 'flow_unsupported'],
  ];
  it.each(cases)('%s', async (_, more, code) => {
    const { signer, count } = countingSigner();
    const server = scripted(() => offer([entry(more)]));
    const agent = agentOf(server, {
      account: signer,
      spend: { perCall: '$0.05', total: '$1', assets: [USDC], payees: [PAY_TO] },
    });
    const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe(code);
    expect(error.response?.status).toBe(402);
    expect(count()).toBe(0);
    expect(server.arrived).toHaveLength(1);
    expect(agent.spending()).toEqual({ signed: 0n, charged: 0n, remaining: 1_000_000n });
  });

  it('in another token than the pinned one, also where the caller named no assets', async () => {
    const { signer, count } = countingSigner();
    const agent = agentOf(
      scripted(() => offer([entry({ asset: OTHER })])),
      { account: signer },
    );
    expect((await clientErrorOf(agent.fetch(URL_OF_TOOL))).code).toBe('asset_not_allowed');
    expect(count()).toBe(0);
  });

  it('reports the amounts of the entry that came closest', async () => {
    const server = scripted(() =>
      offer([entry({ scheme: 'upto' }), entry({ amount: '60000' }), entry({ payTo: OTHER })]),
    );
    const agent = agentOf(server, {
      spend: { perCall: '$0.05', total: '$1', payees: [PAY_TO] },
    });
    const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe('over_per_call');
    expect(error.message).toContain('$0.06');
    expect(error.message).toContain('$0.05');
    expect(error.offer?.amount).toBe(60_000n);
  });

  it('pays the first entry that passes its rules, not the first entry', async () => {
    const server = scripted(
      () => offer([entry({ amount: '60000' }), entry({ scheme: 'upto' }), entry({ amount: '7' })]),
      () => new Response('ok'),
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    expect(agent.spending().signed).toBe(7n);
  });

  const header = (value: string): Step => {
    return () => new Response('{}', { status: 402, headers: { 'PAYMENT-REQUIRED': value } });
  };
  const body2 = (more: Readonly<Record<string, unknown>>): Step =>
    header(base64Json({ x402Version: 2, resource: {}, accepts: [entry()], ...more }));
  const malformed: readonly (readonly [string, Step, ErrorCode, string])[] = [
    [
      'a huge header',
      body2({ resource: { url: 'x'.repeat(13_000) } }),
      'offer_malformed',
      'PAYMENT-REQUIRED',
    ],
    ['no base64', header('%%%'), 'offer_malformed', 'PAYMENT-REQUIRED'],
    ['no JSON', header('AAAA'), 'offer_malformed', 'PAYMENT-REQUIRED'],
    [
      'a deep resource',
      body2({ resource: JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`) as unknown }),
      'offer_malformed',
      'PAYMENT-REQUIRED',
    ],
    ['another version', body2({ x402Version: 3 }), 'offer_malformed', 'x402Version'],
    ['no entries', body2({ accepts: [] }), 'offer_malformed', 'accepts'],
    ['too many entries', body2({ accepts: Array(33).fill(entry()) }), 'offer_malformed', 'accepts'],
    [
      'a number as amount',
      body2({ accepts: [entry({ amount: 20000 })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a hex amount',
      body2({ accepts: [entry({ amount: '0x10' })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a negative amount',
      body2({ accepts: [entry({ amount: '-1' })] }),
      'offer_malformed',
      'accepts.0.amount',
    ],
    [
      'a fractional timeout',
      body2({ accepts: [entry({ maxTimeoutSeconds: 1.5 })] }),
      'offer_malformed',
      'accepts.0.maxTimeoutSeconds',
    ],
    [
      'a malformed payee',
      body2({ accepts: [entry({ payTo: 'merchant' })] }),
      'offer_malformed',
      'accepts.0.payTo',
    ],
    ['no offer at all', () => new Response('pay!', { status: 402 }), 'offer_missing', 'x402'],
    [
      'a huge body',
      () => offer1([entry1({ description: 'x'.repeat(70_000) })]),
      'offer_missing',
      'x402',
    ],
    [
      'a malformed body',
      () => offer1([entry1({ maxAmountRequired: '1e3' })]),
      'offer_malformed',
      'body.accepts.0.maxAmountRequired',
    ],
  ];
  it.each(malformed)('%s', async (_, step, code, field) => {
    const { signer, count } = countingSigner();
    const server = scripted(step);
    const error = await clientErrorOf(agentOf(server, { account: signer }).fetch(URL_OF_TOOL));
    expect(error.code).toBe(code);
    expect(error.message).toContain(field);
    expect(count()).toBe(0);
  });

  it('from the target of a redirect', async () => {
    const moved = (status: number): Response => {
      const answer = status === 402 ? offer() : new Response('', { status });
      if (status === 401) {
        answer.headers.set(
          'WWW-Authenticate',
          `AgentIntent audience="${GATEWAY}", chains="${BASE_SEPOLIA}", tool="x"`,
        );
      }
      Object.defineProperty(answer, 'redirected', { value: true });
      Object.defineProperty(answer, 'url', { value: 'https://evil.example/' });
      return answer;
    };
    for (const status of [402, 401]) {
      const { signer, count } = countingSigner();
      const error = await clientErrorOf(
        agentOf(
          scripted(() => moved(status)),
          { account: signer },
        ).fetch(URL_OF_TOOL),
      );
      expect([error.code, error.response?.url, count()]).toEqual([
        'redirected',
        'https://evil.example/',
        0,
      ]);
    }
    const fine = await agentOf(scripted(() => moved(200))).fetch(URL_OF_TOOL);
    expect(fine.status).toBe(200);
  });

  it.each([301, 302, 307, 308])('with a %i that redirects the signed request', async (status) => {
    const server = scripted(
      () => offer(),
      () => new Response(null, { status, headers: { Location: 'https://evil.example/' } }),
    );
    const error = await clientErrorOf(agentOf(server).fetch(URL_OF_TOOL));
    expect(error.code).toBe('redirected');
    expect(error.call).toMatch(/^0x[0-9a-f]{64}$/);
    expect(server.arrived).toHaveLength(2);
  });

  it.each([
    ['of version 2', () => offer()],
    ['of version 1', () => offer1()],
  ])('that repeats: a loop of 402s %s ends after one signature', async (_, step) => {
    const { signer, count } = countingSigner();
    const server = scripted(step, step, step, step);
    const agent = agentOf(server, { account: signer });
    const error = await clientErrorOf(agent.fetch(URL_OF_TOOL));
    expect(error.code).toBe('payment_refused');
    expect(error.message).toMatch(/required/);
    expect([count(), server.arrived.length]).toEqual([1, 2]);
    expect(agent.spending()).toEqual({ signed: 20_000n, charged: 0n, remaining: 980_000n });
  });

  it('reports the reason of the server in printable characters', async () => {
    const failed = {
      success: false,
      errorReason: 'insufficient_funds\u0007',
      transaction: '',
      network: BASE_SEPOLIA,
    };
    const server = scripted(
      () => offer(),
      () =>
        new Response('{}', { status: 402, headers: { 'PAYMENT-RESPONSE': base64Json(failed) } }),
    );
    const error = await clientErrorOf(agentOf(server).fetch(URL_OF_TOOL));
    expect(error.message).toContain('insufficient_funds?');
  });

  it('after a success: the client signs nothing for a paid call', async () => {
    const { signer, count } = countingSigner();
    const server = scripted(
      () => offer(),
      () => new Response('ok', { headers: { 'PAYMENT-REQUIRED': 'AAAA' } }),
    );
    const answer = await agentOf(server, { account: signer }).fetch(URL_OF_TOOL);
    expect([await answer.text(), count(), server.arrived.length]).toEqual(['ok', 1, 2]);
  });
});
