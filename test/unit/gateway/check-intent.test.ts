import type { Tool } from '../../../src/catalog/tool.ts';
import { type Hex, ZERO_ADDRESS } from '../../../src/core/hex.ts';
import type { Result } from '../../../src/core/result.ts';
import { checkIntent } from '../../../src/gateway/check.ts';
import type { CheckedProof, ReceivedRequest } from '../../../src/gateway/paid-request.ts';
import { USD, USD_ADDRESS } from '../../../src/protocol/fiat-asset.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import type { Reason } from '../../../src/protocol/problem/reason.ts';
import { observe } from './fixture.ts';
import {
  addressOf,
  CHAIN_ID,
  intentFor,
  NOW,
  PAY_TO,
  paying,
  search,
  signIntent,
  translate,
  vectorConfig,
  type Who,
} from './signing.ts';
import type { Meter } from '../../../src/protocol/meter/meter.ts';
import { intentOf } from '../protocol/intent/wire.ts';
import vectors from '../../vectors/countersign-v1.json';
import { describe, expect, it } from 'vitest';

const metered: Tool = {
  ...translate,
  id: 'metered',
  path: '/tools/metered',
  settlement: 'credit',
  pricing: 'upto',
};
const config = vectorConfig([translate, search, metered]);

const see = async (path: string, init: RequestInit = {}): Promise<ReceivedRequest> => {
  const seen = await observe(new Request(`https://gw.example${path}`, init), config);
  if (!seen.ok) throw new Error(seen.error.reason);
  return seen.value.received;
};
const free = () => see('/tools/search.web?q=x');
const paid = () => see('/tools/translate', { method: 'POST', body: '{}' });

const check = async (
  tool: Tool,
  observed: ReceivedRequest,
  fields: Partial<AgentIntent>,
  who: Who = 'agent',
  chainId = CHAIN_ID,
) =>
  checkIntent(
    config,
    tool,
    observed,
    await signIntent(intentFor(observed, fields), who, chainId),
    NOW,
  );

const refusal = (result: Result<CheckedProof, Reason>): Reason => {
  if (result.ok) throw new Error('is accepted');
  return result.error;
};

describe('the published unpaid intent', () => {
  const signed = {
    chainId: CHAIN_ID,
    intent: intentOf(vectors.unpaid.intent),
    signature: vectors.unpaid.signature as Hex,
  };

  it('is accepted for its request', async () => {
    expect(checkIntent(config, search, await free(), signed, NOW)).toMatchObject({
      ok: true,
      value: {
        kind: 'intent',
        call: vectors.unpaid.intentHash,
        payer: addressOf('agent'),
        audience: 'https://gw.example',
        price: 0n,
        binding: 'intent',
        execute: true,
        signedByKey: true,
      },
    });
  });

  it.each(Object.entries(vectors.mustFail.unpaidSignatureEncodings))(
    'is rejected with signature %s',
    async (_, signature) => {
      const observed = await free();
      const result = checkIntent(
        config,
        search,
        observed,
        { ...signed, signature: signature as Hex },
        NOW,
      );
      // Only the account's contract could accept the signature, which the gateway then asks the chain node.
      expect(result.ok && result.value.signedByKey).toBe(false);
    },
  );

  it.each([
    ['another query', '/tools/search.web?q=y', {}, 'target'],
    [
      'a content type',
      '/tools/search.web?q=x',
      { headers: { 'Content-Type': 'a/b' } },
      'contentType',
    ],
  ] as const)('is refused for a request with %s', async (_, path, init, field) => {
    expect(checkIntent(config, search, await see(path, init), signed, NOW)).toMatchObject({
      ok: false,
      error: { reason: 'intent_mismatch', field: `Agent-Intent.intent.${field}` },
    });
  });

  it('is rejected for another origin of the same gateway', async () => {
    const seen = await observe(new Request('https://second.example/tools/search.web?q=x'), config);
    if (!seen.ok) throw new Error('is a request');
    expect(checkIntent(config, search, seen.value.received, signed, NOW)).toMatchObject({
      ok: false,
      error: { field: 'Agent-Intent.intent.audience', expected: 'https://second.example' },
    });
  });
});

describe('an intent for a card tool', () => {
  const checkout: Tool = {
    ...translate,
    id: 'translate',
    price: 20_000_000n,
    asset: USD,
    settlement: 'card',
    onSilence: 'keep',
    requireBinding: 'intent',
  };
  const spending = { payTo: PAY_TO, asset: USD_ADDRESS, maxAmount: 20_000_000n } as const;

  it('is counted in fiat', async () => {
    expect(await check(checkout, await paid(), spending)).toMatchObject({
      ok: true,
      value: { asset: 'iso4217:USD', price: 20_000_000n, binding: 'intent' },
    });
  });

  it.each<[keyof AgentIntent, Partial<AgentIntent>]>([
    ['asset', { asset: paying(1n).asset ?? ZERO_ADDRESS }],
    ['asset', { asset: ZERO_ADDRESS }],
    ['asset', { asset: '0x00000000000000000000000000000000000003d2' }],
    ['maxAmount', { maxAmount: 19_999_999n }],
    ['payTo', { payTo: ZERO_ADDRESS }],
  ])('is refused with another %s: %o', async (field, changes) => {
    const result = await check(checkout, await paid(), { ...spending, ...changes });
    expect(refusal(result)).toMatchObject({
      reason: 'intent_mismatch',
      field: `Agent-Intent.intent.${field}`,
    });
  });

  it('reserves what it allows of a variable price', async () => {
    const upTo: Tool = { ...checkout, pricing: 'upto' };
    const less = await check(upTo, await paid(), { ...spending, maxAmount: 5n });
    expect(less).toMatchObject({ ok: true, value: { price: 5n } });
  });

  it('must allow the whole maximum of a metered tool: who names the maximum would name the price', async () => {
    const { price } = checkout;
    const meter: Meter = {
      ...{ usage: { from: 'gateway' }, rates: { bytes: '$1 per 1000' } },
      ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
    };
    const counted: Tool = { ...checkout, pricing: 'upto', meter };
    const less = await check(counted, await paid(), { ...spending, maxAmount: price - 1n });
    expect(refusal(less)).toMatchObject({ field: 'Agent-Intent.intent.maxAmount' });
    const whole = await check(counted, await paid(), { ...spending, maxAmount: price });
    expect(whole).toMatchObject({ ok: true, value: { price } });
  });

  it('buys nothing from a tool that a token pays for', async () => {
    const result = await check(translate, await paid(), spending);
    expect(refusal(result)).toMatchObject({ field: 'Agent-Intent.intent.asset' });
  });
});

describe('the clock of an unpaid intent', () => {
  const at = (seconds: number) => BigInt(NOW + seconds);
  const outcome = async (fields: Partial<AgentIntent>) => {
    const result = await check(search, await free(), fields);
    if (!result.ok) return result.error.reason;
    return result.value.execute ? 'accepted' : 'may only look up';
  };

  it.each([
    [29, 'accepted'],
    [30, 'accepted'],
    [31, 'not_yet_valid'],
  ])('begins %i s from now: %s', async (seconds, expected) => {
    expect(await outcome({ validAfter: at(seconds), validBefore: at(100) })).toBe(expected);
  });

  it.each([
    [29, 'accepted'],
    [30, 'may only look up'],
    [31, 'may only look up'],
  ])('ended %i s ago: %s', async (seconds, expected) => {
    expect(await outcome({ validAfter: at(-100), validBefore: at(-seconds) })).toBe(expected);
  });

  it('allows a validity of 300 s, not 301', async () => {
    expect(await outcome({ validAfter: at(-1), validBefore: at(299) })).toBe('accepted');
    expect(await outcome({ validAfter: at(-1), validBefore: at(300) })).toBe('window_too_long');
  });
});

describe('an intent on a paid tool', () => {
  it('pays from credit: to the configured payee, in the pinned token, at least the price', async () => {
    for (const maxAmount of [20_000n, 20_001n, 2n ** 200n]) {
      expect(await check(translate, await paid(), paying(maxAmount))).toMatchObject({
        ok: true,
        value: { kind: 'intent', price: 20_000n, payTo: PAY_TO, binding: 'intent' },
      });
    }
  });

  it.each([
    ['payTo', { ...paying(20_000n), payTo: `0x${'0'.repeat(40)}` as const }],
    ['payTo', { ...paying(20_000n), payTo: addressOf('owner') }],
    ['asset', { ...paying(20_000n), asset: `0x${'0'.repeat(40)}` as const }],
    ['asset', { ...paying(20_000n), asset: addressOf('owner') }],
    ['maxAmount', paying(19_999n)],
    ['maxAmount', paying(0n)],
  ] as const)('is rejected with another %s, or none', async (field, fields) => {
    expect(refusal(await check(translate, await paid(), fields))).toMatchObject({
      reason: 'intent_mismatch',
      field: `Agent-Intent.intent.${field}`,
    });
  });

  it('satisfies a tool that requires binding', async () => {
    const strict: Tool = { ...translate, requireBinding: 'intent' };
    expect(await check(strict, await paid(), paying(20_000n))).toMatchObject({ ok: true });
  });

  it.each([
    [1n, 1n],
    [19_999n, 19_999n],
    [20_000n, 20_000n],
    [20_001n, 20_000n],
  ])('of variable price that allows %i reserves %i', async (maxAmount, price) => {
    const observed = await see('/tools/metered', { method: 'POST' });
    expect(await check(metered, observed, paying(maxAmount))).toMatchObject({
      ok: true,
      value: { price },
    });
  });

  it('is rejected for a tool of variable price if it allows nothing', async () => {
    const observed = await see('/tools/metered', { method: 'POST' });
    expect(refusal(await check(metered, observed, paying(0n)))).toMatchObject({
      field: 'Agent-Intent.intent.maxAmount',
      expected: '>= 1',
    });
  });

  it('may state any amount for a free tool', async () => {
    const observed = await free();
    const fields = { payTo: addressOf('owner'), maxAmount: 5n };
    expect(await check(search, observed, fields)).toMatchObject({ ok: true, value: { price: 0n } });
  });
});

describe('a signature by another key', () => {
  it('counts only if the account is a contract that accepts it', async () => {
    expect(await check(search, await free(), {}, 'owner')).toMatchObject({
      ok: true,
      value: { signedByKey: false, payer: addressOf('agent') },
    });
  });

  it('on an unsupported chain is rejected with the supported ones', async () => {
    expect(refusal(await check(search, await free(), {}, 'agent', 8453))).toEqual({
      reason: 'unsupported_network',
      field: 'Agent-Intent.chainId',
      hint: 'must be the chain of one of: eip155:84532',
    });
  });
});
