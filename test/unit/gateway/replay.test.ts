import { describe, expect, it, vi } from 'vitest';
import type { Hex } from '../../../src/core/hex.ts';
import { call } from '../../../src/gateway/call.ts';
import { openReplayCache } from '../../../src/gateway/replay.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { ReserveVerdict } from '../../../src/protocol/account/call-verdict.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { config, requestOf, signed, bodyOf } from './reserve-fixture.ts';
import { KEY_ACCOUNT, network, POLICY, scriptedGateway } from './scripted.ts';
import { addressOf, NOW, paymentHeader, paymentOf } from './signing.ts';

useVectorsClock();

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
    // The rate limit does not affect new calls of the same client and payer.
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
    // The limit rejects without verification, so a copy with another signature is rejected too, but another call is not.
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
  ])('is not counted if the call was not reserved: $verdict', async (verdict) => {
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
    expect(request.bodyUsed).toBe(false);
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

describe('the replay cache', () => {
  const accountNumber = (digit: string): AccountId => `eip155:84532:0x${digit.repeat(40)}`;
  const callNumber = (digit: string): Hex => `0x${digit.repeat(64)}`;

  it('remembers a call of one account, not the same nonce of another', () => {
    const calls = openReplayCache();
    calls.add(accountNumber('1'), callNumber('a'));
    expect(calls.has(accountNumber('1'), callNumber('a'))).toBe(true);
    expect(calls.has(accountNumber('1'), callNumber('b'))).toBe(false);
    expect(calls.has(accountNumber('2'), callNumber('a'))).toBe(false);
  });

  it('evicts the call that was seen longest ago, and keeps one that is replayed all the time', () => {
    const calls = openReplayCache(3);
    for (const digit of ['a', 'b', 'c']) calls.add(accountNumber('1'), callNumber(digit));
    expect(calls.has(accountNumber('1'), callNumber('a'))).toBe(true);
    calls.add(accountNumber('1'), callNumber('d'));
    expect(calls.has(accountNumber('1'), callNumber('b'))).toBe(false);
    for (const digit of ['a', 'c', 'd']) {
      expect(calls.has(accountNumber('1'), callNumber(digit)), digit).toBe(true);
    }
  });

  it('throttles replays of one account for a time, and of no other account', () => {
    const proofs = openReplayCache();
    proofs.throttle(accountNumber('1'), 100);
    expect([
      proofs.isThrottled(accountNumber('1'), 99),
      proofs.isThrottled(accountNumber('1'), 100),
    ]).toEqual([true, false]);
    expect(proofs.isThrottled(accountNumber('2'), 99)).toBe(false);
  });
});
