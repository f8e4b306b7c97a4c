import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/crypto/bytes.ts';
import type { Condition, Operator } from '../../../src/policy/rules/conditions.ts';
import {
  BUILT_IN_POLICY,
  parsePolicy,
  type Policy,
  policyHash,
  policyJson,
} from '../../../src/policy/policy.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { MAX_STORED } from '../../../src/protocol/amount.ts';

const amount = fc.bigInt({ min: 0n, max: MAX_STORED });
const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 20 }), { maxLength: 3 });
const tools = fc.uniqueArray(fc.constantFrom('*', 'a', 'a.*', 'a.b'));
const seconds = fc.integer({ min: 1, max: 86_400 });
const asset = fc.constantFrom(`eip155:1/erc20:0x${'ab'.repeat(20)}` as const);
const param = fc.constantFrom('a', 'b.c');
const rule: fc.Arbitrary<Condition> = fc.oneof(
  fc.record({
    param,
    op: fc.constantFrom<Operator>('eq', 'ne', 'startsWith'),
    value: fc.string({ maxLength: 20 }),
  }),
  fc.record({
    tools,
    param,
    op: fc.constantFrom<Operator>('lt', 'gte'),
    value: fc.constantFrom('1', '-2.50'),
  }),
  fc.record({ tools, param, op: fc.constant<Operator>('in'), value: texts }),
);
const policies: fc.Arbitrary<Policy> = fc.record(
  {
    tools,
    payees: fc.uniqueArray(fc.constantFrom(ANY_PAYEE, `0x${'12'.repeat(20)}` as const)),
    assets: fc.array(asset, { maxLength: 2 }),
    perCall: amount,
    windows: fc.uniqueArray(
      fc.record(
        { every: fc.oneof(fc.constantFrom('hour', 'day', 'month'), seconds), limit: amount, asset },
        { requiredKeys: ['every', 'limit'] },
      ),
      { maxLength: 4, selector: ({ every }) => every },
    ),
    lifetime: amount,
    exposure: amount,
    rate: fc.record({ limit: seconds, seconds }),
    repeat: fc.record({ times: fc.integer({ min: 1, max: 100 }), seconds }),
    softPercent: fc.integer({ min: 1, max: 99 }),
    maxValidity: seconds,
    binding: fc.constantFrom('none', 'intent'),
    validFrom: fc.integer({ min: 0, max: 100 }),
    validUntil: fc.integer({ min: 101 }),
    deny: fc.array(fc.oneof(rule, fc.record({ tools })), { maxLength: 8 }),
    require: fc.array(rule, { maxLength: 8 }),
  },
  { requiredKeys: ['windows', 'deny', 'require'] },
);

describe('policyJson', () => {
  it('reads back as the same policy with the same hash', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const back = parsePolicy(policyJson(policy));
        expect(back).toEqual({ ok: true, value: policy });
        if (back.ok) expect(policyHash(back.value)).toBe(policyHash(policy));
      }),
      { numRuns: 500 },
    );
  });

  it('contains only the fields of the policy', () => {
    expect(policyJson({ lifetime: 7n, windows: [], deny: [], require: [] })).toEqual({
      lifetime: '$0.000007',
      windows: [],
    });
  });
});

describe('policyHash', () => {
  it('is the SHA-256 of JCS', async () => {
    const text =
      '{"exposure":"$1.00","perCall":"$5.00","rate":{"limit":600,"seconds":60},"windows":[]}';
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
    expect(policyHash(BUILT_IN_POLICY)).toBe(`0x${hex.join('')}`);
  });

  it('is the same however an amount is written', () => {
    const document = {
      tools: ['a'],
      windows: [{ every: 'day', limit: '$5.00' }],
      lifetime: '$0.000007',
      repeat: { times: 3, seconds: 4 },
      binding: 'intent',
    };
    const expected = sha256Hex(new TextEncoder().encode(canonicalize(document)));
    const units = { ...document, windows: [{ every: 'day', limit: '5000000u' }], lifetime: '7u' };
    for (const written of [document, units]) {
      const parsed = parsePolicy(written);
      expect(parsed.ok && policyHash(parsed.value)).toBe(expected);
    }
  });

  it('differs with every field', () => {
    const day = { every: 'day', limit: 1n } as const;
    const variants = [
      BUILT_IN_POLICY,
      { ...BUILT_IN_POLICY, perCall: 1n },
      { ...BUILT_IN_POLICY, exposure: 1n },
      { ...BUILT_IN_POLICY, rate: { limit: 1, seconds: 60 } },
      { ...BUILT_IN_POLICY, rate: { limit: 600, seconds: 1 } },
      { ...BUILT_IN_POLICY, windows: [day] },
      { ...BUILT_IN_POLICY, windows: [{ ...day, limit: 2n }] },
      { ...BUILT_IN_POLICY, windows: [{ ...day, every: 'hour' as const }] },
      { ...BUILT_IN_POLICY, windows: [{ ...day, every: 86_400 }] },
      { ...BUILT_IN_POLICY, windows: [{ ...day, asset: 'eip155:1/erc20:0x' as const }] },
      { ...BUILT_IN_POLICY, tools: [] },
      { ...BUILT_IN_POLICY, tools: ['a'] },
      { ...BUILT_IN_POLICY, payees: [] },
      { ...BUILT_IN_POLICY, assets: [] },
      { ...BUILT_IN_POLICY, lifetime: 1n },
      { ...BUILT_IN_POLICY, repeat: { times: 1, seconds: 1 } },
      { ...BUILT_IN_POLICY, softPercent: 79 },
      // An explicit 80 is a different document, which stays the same if the default changes.
      { ...BUILT_IN_POLICY, softPercent: 80 },
      { ...BUILT_IN_POLICY, maxValidity: 1 },
      { ...BUILT_IN_POLICY, binding: 'none' as const },
      { ...BUILT_IN_POLICY, validFrom: 1 },
      { ...BUILT_IN_POLICY, validUntil: 1 },
      { ...BUILT_IN_POLICY, deny: [{ tools: ['a'] }] },
      { ...BUILT_IN_POLICY, require: [{ tools: ['a'] }] },
    ];
    expect(new Set(variants.map(policyHash)).size).toBe(variants.length);
  });
});
