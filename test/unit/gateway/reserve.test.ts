import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ReserveVerdict } from '../../../src/protocol/account/reserve.ts';
import type { Evidence, GrantProof } from '../../../src/protocol/account/call.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { call } from '../../../src/gateway/call.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { observe } from './fixture.ts';
import { ENTRY, KEY_ACCOUNT, network, type Node, POLICY, scriptedGateway } from './scripted.ts';
import {
  addressOf,
  intentFor,
  intentHeader,
  NOW,
  paying,
  paymentHeader,
  paymentOf,
  signIntent,
  translate,
  vectorConfig,
} from './signing.ts';

const declaring = {
  ...translate,
  id: 'declaring',
  path: '/tools/declaring',
  params: { to: { pointer: '/to' } },
};
const config = vectorConfig([translate, declaring]);
const GRANT: Hex = `0x${'9a'.repeat(32)}`;
const MAGIC = `0x1626ba7e${'0'.repeat(56)}`;
const ZERO = `0x${'0'.repeat(64)}`;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW * 1000, toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const requestOf = (path: string, headers: Record<string, string> = {}, body?: string) =>
  new Request(`https://gw.example${path}`, {
    method: 'POST',
    headers: body === undefined ? headers : { ...headers, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  });

const signed = async (
  fields: Partial<AgentIntent> = {},
  path = '/tools/translate',
  body?: string,
) => {
  const seen = await observe(requestOf(path, {}, body), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  const intent = intentFor(seen.value.received, { ...paying(20_000n), ...fields });
  return requestOf(path, intentHeader(await signIntent(intent)), body);
};
const bodyOf = (response: Response) => response.json<Record<string, unknown>>();

const proof = (byte: string): GrantProof => ({
  hash: `0x${byte.repeat(32)}`,
  issuer: `0x${byte.repeat(20)}`,
  signature: `0x${byte.repeat(70)}`,
});

/** A node on which the contracts of these issuers accept their signatures. */
const contracts = (issuers: readonly string[]): Node => ({
  ...KEY_ACCOUNT,
  eth_call: ([{ to, data }]: [{ to: string; data: string }]) =>
    data.startsWith('0x1626ba7e') && issuers.includes(to) ? MAGIC : ZERO,
});

const GO: ReserveVerdict = {
  verdict: 'go',
  entry: ENTRY,
  policy: POLICY,
  charged: 20_000n,
  paidFrom: 'credit',
  limits: [],
};

/** An account that requests verification of these grants. */
const wanting =
  (proofs: readonly GrantProof[]) =>
  async (_call: unknown, _attempt: unknown, { grants }: Evidence): Promise<ReserveVerdict> =>
    grants === undefined ? { verdict: 'stale_grant', proofs } : GO;

describe('a call of a tool', () => {
  it('passes the grant that its intent names to the account', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    await call(gateway, await signed({ authority: GRANT }));
    await call(gateway, await signed());
    await call(gateway, requestOf('/tools/translate', paymentHeader(await paymentOf())));
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims.map((each) => each.call.authority)).toEqual([GRANT, undefined, undefined]);
    expect(claims[1]?.call).not.toHaveProperty('authority');
  });

  it('passes the grant of a bound payment to the account', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const seen = await observe(requestOf('/tools/translate'), config);
    if (!seen.ok) throw new Error(seen.error.reason);
    const intent = intentFor(seen.value.received, { ...paying(20_000n), authority: GRANT });
    await call(gateway, requestOf('/tools/translate', paymentHeader(await paymentOf({ intent }))));
    expect(asked[0]).toMatchObject({ call: { proof: 'x402', authority: GRANT } });
  });

  it('carries the declared parameters: none for a tool without declarations', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    await call(gateway, await signed({}, '/tools/declaring', '{"to":"fr"}'));
    await call(gateway, await signed());
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims[0]?.call.params).toEqual({ to: { found: true, value: 'fr' } });
    expect(claims[1]?.call.params).toEqual({});
  });
});

describe('a grant whose issuer is a contract', () => {
  it('is verified by each contract once, behind the rate limiter', async () => {
    const { rpc } = network(contracts([proof('a1').issuer]));
    const { gateway, asked, rateLimited } = await scriptedGateway(config, {
      reserve: wanting([proof('a1'), proof('b2')]),
    });
    expect((await call(gateway, await signed())).status).toBe(200);
    const claims = asked.filter((each) => each.asked === 'reserve');
    expect(claims).toHaveLength(2);
    expect(claims[1]?.grants).toEqual([
      { hash: proof('a1').hash, valid: true, at: NOW },
      { hash: proof('b2').hash, valid: false, at: NOW },
    ]);
    expect(claims[1]?.facts).toBeUndefined();
    expect(rpc.filter((method) => method === 'eth_call')).toHaveLength(2);
    expect(rateLimited).toEqual(['unknown', `facts eip155:84532:${addressOf('agent')}`]);
  });

  it('is verified with the registered digest and signature', async () => {
    const calls: string[] = [];
    network({
      ...KEY_ACCOUNT,
      eth_call: ([{ data }]: [{ data: string }]) => {
        calls.push(data);
        return MAGIC;
      },
    });
    const { gateway } = await scriptedGateway(config, { reserve: wanting([proof('a1')]) });
    await call(gateway, await signed());
    expect(calls).toHaveLength(1);
    expect(calls[0]?.slice(0, 74)).toBe(`0x1626ba7e${'a1'.repeat(32)}`);
    expect(calls[0]).toContain('a1'.repeat(70));
  });

  it.each(['facts first', 'grants first'])(
    'and a payer that the account requests facts about: both in one request, %s',
    async (order) => {
      network(contracts([proof('a1').issuer]));
      const { gateway, asked, rateLimited } = await scriptedGateway(config, {
        reserve: async (_call, _attempt, { facts, grants }) => {
          const staleGrant = { verdict: 'stale_grant', proofs: [proof('a1')] } as const;
          if (order === 'grants first' && grants === undefined) return staleGrant;
          if (facts === undefined) return { verdict: 'stale_payer' };
          return grants === undefined ? staleGrant : GO;
        },
      });
      expect((await call(gateway, await signed())).status).toBe(200);
      const claims = asked.filter((each) => each.asked === 'reserve');
      expect(claims).toHaveLength(3);
      expect(claims[2]).toMatchObject({ facts: { block: 100 }, grants: [{ valid: true }] });
      expect(rateLimited).toEqual([
        'unknown',
        `facts eip155:84532:${addressOf('agent')}`,
        'unknown',
        `facts eip155:84532:${addressOf('agent')}`,
      ]);
    },
  );

  it('that the account requests twice is refused', async () => {
    network(contracts([]));
    const { gateway, asked } = await scriptedGateway(config, {
      reserve: async () => ({ verdict: 'stale_grant', proofs: [proof('a1')] }),
    });
    const answer = await call(gateway, await signed());
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
    expect(asked).toHaveLength(2);
  });

  it('denies the call while the node fails, or the client is over its limit', async () => {
    const { sent } = network({ ...KEY_ACCOUNT, eth_call: 'nonsense' });
    const { gateway, asked } = await scriptedGateway(config, { reserve: wanting([proof('a1')]) });
    const answer = await call(gateway, await signed());
    expect(answer.status).toBe(503);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:payer-unreachable',
    });
    const closed = { ...gateway, rateLimit: async () => false };
    expect((await call(closed, await signed())).status).toBe(429);
    expect(asked.map((each) => each.asked)).toEqual(['reserve', 'reserve']);
    expect(sent).toEqual([]);
  });

  it('has at most three issuers: a longer chain is not verified', async () => {
    const { rpc } = network(contracts([]));
    const proofs = ['a1', 'a2', 'a3', 'a4'].map(proof);
    const { gateway } = await scriptedGateway(config, { reserve: wanting(proofs) });
    expect((await call(gateway, await signed())).status).toBe(500);
    expect(rpc).toEqual([]);
  });
});

describe('a replay of a call', () => {
  const client = { 'CF-Connecting-IP': '203.0.113.7' };
  const account = `eip155:84532:${addressOf('agent')}` as const;
  const keys = ['203.0.113.7', `repeat ${account}`];
  const send = (gateway: Parameters<typeof call>[0], payment: unknown) =>
    call(gateway, requestOf('/tools/translate', { ...client, ...paymentHeader(payment) }));
  const asksOf = (asked: readonly { readonly asked: string }[]) =>
    asked.filter((each) => each.asked === 'reserve').length;

  it('counts for its client and payer once this isolate has seen the call reserved', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked, rateLimited } = await scriptedGateway(config);
    const payment = await paymentOf();
    await send(gateway, payment);
    expect(rateLimited).toEqual([]);
    await send(gateway, payment);
    expect(rateLimited).toEqual(keys);
    await send(gateway, await paymentOf());
    expect([rateLimited.length, asksOf(asked)]).toEqual([2, 3]);
  });

  it.each(keys)('over the limit of %s is rejected before its account is asked', async (full) => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const payment = await paymentOf();
    await send(gateway, payment);
    const crowded = { ...gateway, rateLimit: async (key: string) => key !== full };
    const answer = await send(crowded, payment);
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([429, '10']);
    expect((await bodyOf(answer))['type']).toBe('urn:countersign:problem:too-many-requests');
    expect(asksOf(asked)).toBe(1);
    // New calls of the same client and payer are not affected.
    expect((await send(crowded, await paymentOf())).status).toBe(200);
  });

  it('is rejected unread for a second once its payer is over the limit, and then counted again', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const counted: string[] = [];
    const crowded = {
      ...gateway,
      rateLimit: async (key: string) => {
        counted.push(key);
        return key !== keys[1];
      },
    };
    const payment = await paymentOf();
    await send(gateway, payment);
    expect((await send(crowded, payment)).status).toBe(429);
    expect(counted).toEqual(keys);
    // Rejected without verification: a copy with another signature is rejected too, another call is not.
    const copy = { ...payment, payload: { ...payment.payload, signature: `0x${'00'.repeat(65)}` } };
    expect((await send(crowded, copy)).status).toBe(429);
    expect(counted).toEqual(keys);
    expect((await send(crowded, await paymentOf())).status).toBe(200);
    vi.setSystemTime((NOW + 1) * 1_000);
    expect((await send(crowded, payment)).status).toBe(429);
    expect(counted).toEqual([...keys, ...keys]);
    expect(asksOf(asked)).toBe(2);
  });

  it('with an expired proof counts at once', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked, rateLimited } = await scriptedGateway(config);
    await send(gateway, await paymentOf({ validBefore: BigInt(NOW - 60) }));
    expect([rateLimited, asksOf(asked)]).toEqual([keys, 1]);
    const crowded = { ...gateway, rateLimit: async () => false };
    const expired = await paymentOf({ validBefore: BigInt(NOW - 60) });
    expect((await send(crowded, expired)).status).toBe(429);
    expect(asksOf(asked)).toBe(1);
  });

  it.each<ReserveVerdict>([
    {
      verdict: 'denied',
      denial: { rule: 'rate', account, retryAllowed: true, retryAfter: 1, policy: POLICY },
    },
    { verdict: 'settlement_unavailable', retryAfter: 1 },
    { verdict: 'unavailable' },
  ])('is none where nothing was claimed: $verdict', async (verdict) => {
    network(KEY_ACCOUNT);
    const { gateway, rateLimited } = await scriptedGateway(config, {
      reserve: async () => verdict,
    });
    const payment = await paymentOf();
    await send(gateway, payment);
    await send(gateway, payment);
    expect(rateLimited).toEqual([]);
  });
});

describe('a proof that expired more than 24 hours ago', () => {
  const aged = (seconds: number) => BigInt(NOW - 86_400 - seconds);

  it('is rejected unread: no signature is verified, no account asked, nothing counted', async () => {
    const { rpc, sent } = network(KEY_ACCOUNT);
    const { gateway, asked, rateLimited } = await scriptedGateway(config);
    const payment = await paymentOf({ validBefore: aged(1) });
    payment.payload.signature = `0x${'00'.repeat(65)}`;
    const request = requestOf('/tools/translate', paymentHeader(payment), '{}');
    const answer = await call(gateway, request);
    const { nonce } = payment.payload.authorization;
    expect(answer.status).toBe(400);
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:proof-too-old',
      field: 'PAYMENT-SIGNATURE.payload.authorization.validBefore',
      expected: `>= ${NOW - 86_400}`,
      call: nonce,
      hint: expect.stringContaining(`GET /calls/${nonce}`) as string,
    });
    expect(request.bodyUsed).toBe(true);
    expect([asked, rateLimited, rpc, sent]).toEqual([[], [], [], []]);
  });

  it('is rejected as an Agent-Intent too', async () => {
    const { gateway, asked } = await scriptedGateway(config);
    const old = { validAfter: aged(60), validBefore: aged(1) };
    const answer = await call(gateway, await signed(old));
    expect(await bodyOf(answer)).toMatchObject({
      type: 'urn:countersign:problem:proof-too-old',
      field: 'Agent-Intent.intent.validBefore',
    });
    expect(asked).toEqual([]);
  });

  it('may look up its call until exactly then', async () => {
    network(KEY_ACCOUNT);
    const { gateway, asked } = await scriptedGateway(config);
    const payment = await paymentOf({ validBefore: aged(0) });
    await call(gateway, requestOf('/tools/translate', paymentHeader(payment)));
    expect(asked[0]).toMatchObject({ asked: 'reserve', call: { execute: false } });
  });
});
