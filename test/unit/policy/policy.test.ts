import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_STORED } from '../../../src/protocol/amount.ts';
import { sha256Hex } from '../../../src/crypto/bytes.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { type Operator } from '../../../src/policy/condition.ts';
import { type Policy } from '../../../src/policy/policy.ts';
import { type Condition } from '../../../src/policy/condition.ts';
import {
  BUILT_IN_POLICY,
  parseDefaultPolicy,
  parsePolicy,
  policyHash,
  policyJson,
} from '../../../src/policy/policy.ts';

const written = {
  perCall: '$5.00',
  exposure: '1000000u',
  rate: { limit: 600, seconds: 60 },
  windows: [
    { every: 'day', limit: '$20' },
    { every: 90, limit: '7u' },
  ],
};

describe('parseDefaultPolicy', () => {
  it('reads dollars and atomic units', () => {
    expect(parseDefaultPolicy(written)).toEqual({
      ok: true,
      value: {
        perCall: 5_000_000n,
        exposure: 1_000_000n,
        rate: { limit: 600, seconds: 60 },
        windows: [
          { every: 'day', limit: 20_000_000n },
          { every: 90, limit: 7n },
        ],
        deny: [],
        require: [],
      },
    });
  });

  it('defaults to no windows', () => {
    const { windows: _, ...rest } = written;
    expect(parseDefaultPolicy(rest)).toMatchObject({ ok: true, value: { windows: [] } });
  });

  it.each([
    ['perCall', { ...written, perCall: '5.00' }],
    ['perCall', { ...written, perCall: '5000000' }],
    ['perCall', { ...written, perCall: 5 }],
    ['perCall', { ...written, perCall: '$-1' }],
    ['perCall', { ...written, perCall: '9007199254740992u' }],
    ['exposure', { ...written, exposure: undefined }],
    ['rate.limit', { ...written, rate: { limit: 0, seconds: 60 } }],
    ['rate.seconds', { ...written, rate: { limit: 1, seconds: 0.5 } }],
    ['rate.burst', { ...written, rate: { limit: 1, seconds: 1, burst: 2 } }],
    ['rate', { ...written, rate: 600 }],
    [
      'windows[1].every',
      { ...written, windows: [written.windows[0], { every: 'week', limit: '1u' }] },
    ],
    ['windows[0].every', { ...written, windows: [{ every: 0, limit: '1u' }] }],
    ['windows[0].limit', { ...written, windows: [{ every: 'day', limit: '01u' }] }],
    ['windows', { ...written, windows: [written.windows[0], { every: 'day', limit: '1u' }] }],
    ['windows', { ...written, windows: {} }],
    ['lifetime', { ...written, lifetime: 1 }],
    ['lifetimes', { ...written, lifetimes: '1' }],
    ['', 'nothing'],
  ])('refuses a wrong %s', (field, json) => {
    const result = parseDefaultPolicy(json);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error.map((fault) => fault.field)).toEqual([field]);
  });

  it('accepts the largest storable amount, and reports every fault at once', () => {
    expect(parseDefaultPolicy({ ...written, perCall: '9007199254740991u' }).ok).toBe(true);
    const result = parseDefaultPolicy({ perCall: 'x', exposure: 'y', rate: {}, more: 1 });
    expect(result.ok ? [] : result.error.map((fault) => fault.field).toSorted()).toEqual(
      ['exposure', 'more', 'perCall', 'rate.limit', 'rate.seconds'].toSorted(),
    );
  });
});

const USDC = `eip155:8453/erc20:0x${'ab'.repeat(20)}`;
const PAYEE = `0x${'cd'.repeat(20)}`;
const eq = { param: 'a', op: 'eq', value: 'x' };

const fieldsOf = (json: unknown): readonly string[] => {
  const result = parsePolicy(json);
  return result.ok ? [] : result.error.map(({ field }) => field);
};

describe('parsePolicy', () => {
  it('accepts an empty policy, which limits nothing', () => {
    expect(parsePolicy({})).toEqual({ ok: true, value: { windows: [], deny: [], require: [] } });
  });

  it('reads every field', () => {
    const rest = {
      tools: ['a', 'b.*', '*'],
      assets: [USDC],
      rate: { limit: 1, seconds: 2 },
      repeat: { times: 3, seconds: 4 },
      softPercent: 99,
      maxValidity: 5,
      binding: 'intent',
      validFrom: 6,
      validUntil: 7,
      deny: [{ tools: ['c'] }, { tools: ['d'], param: 'a.b-c_1', op: 'in', value: ['x', 'y'] }],
      require: [{ param: 'url', op: 'hostIn', value: ['a.example', '.b.example'] }],
    };
    expect(
      parsePolicy({
        ...rest,
        v: 1,
        payees: [PAYEE.toUpperCase().replace('X', 'x'), ANY_PAYEE],
        perCall: '$1',
        lifetime: '2u',
        exposure: '3u',
        windows: [
          { every: 'day', limit: '1u' },
          { every: 'day', limit: '2u', asset: USDC },
        ],
      }),
    ).toEqual({
      ok: true,
      value: {
        ...rest,
        payees: [PAYEE, ANY_PAYEE],
        perCall: 1_000_000n,
        lifetime: 2n,
        exposure: 3n,
        windows: [
          { every: 'day', limit: 1n },
          { every: 'day', limit: 2n, asset: USDC },
        ],
      },
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['v', { v: 2 }],
    ['more', { more: 1 }],
    ['tools', { tools: 'a' }],
    ['tools[1]', { tools: ['a', 'b*'] }],
    ['tools[0]', { tools: ['.*'] }],
    ['tools', { tools: Array.from({ length: 65 }, (_, at) => `t${at}`) }],
    ['payees[0]', { payees: ['0x12'] }],
    ['payees[0]', { payees: [`0x${'aB'.repeat(20)}`] }],
    ['assets[0]', { assets: ['USD'] }],
    ['assets[0]', { assets: [USDC.toUpperCase()] }],
    ['assets[0]', { assets: [USDC.replace('8453', '08453')] }],
    ['assets[0]', { assets: [`${USDC}/erc20:${PAYEE}`] }],
    ['assets', { assets: Array.from({ length: 65 }, () => USDC) }],
    ['perCall', { perCall: '-1' }],
    ['lifetime', { lifetime: '9007199254740992u' }],
    ['windows[0].asset', { windows: [{ every: 'day', limit: '1u', asset: 'USD' }] }],
    ['windows[0].per', { windows: [{ every: 'day', limit: '1u', per: 'tool' }] }],
    [
      'windows',
      {
        windows: [1, 2].map((limit) => ({ every: 'day', limit: `${limit}u`, asset: USDC })),
      },
    ],
    ['repeat.times', { repeat: { times: 101, seconds: 1 } }],
    ['repeat.seconds', { repeat: { times: 1, seconds: 86_401 } }],
    ['softPercent', { softPercent: 0 }],
    ['softPercent', { softPercent: 100 }],
    ['softPercent', { softPercent: 79.5 }],
    ['softPercent', { softPercent: '80' }],
    ['maxValidity', { maxValidity: 0 }],
    ['maxValidity', { maxValidity: 86_401 }],
    ['binding', { binding: 'http' }],
    ['validFrom', { validFrom: -1 }],
    ['validUntil', { validUntil: '7' }],
    ['validUntil', { validFrom: 5, validUntil: 5 }],
    ['deny', { deny: {} }],
    ['require', { deny: Array(8).fill(eq), require: Array(9).fill(eq) }],
    ['deny[0].tools', { deny: [{}] }],
    ['deny[0].op', { deny: [{ tools: ['a'], param: 'a', value: 'x' }] }],
    ['deny[0].param', { deny: [{ op: 'eq', value: 'x' }] }],
    ['deny[0].pattern', { deny: [{ ...eq, pattern: '.*' }] }],
    ['require[0].param', { require: [{ tools: ['a'], op: 'eq', value: 'x' }] }],
    ['require[0].param', { require: [{ ...eq, param: 'a b' }] }],
    ['require[0].param', { require: [{ ...eq, param: 'a'.repeat(65) }] }],
    ['require[0].op', { require: [{ ...eq, op: 'matches' }] }],
    ['require[0].value', { require: [{ ...eq, value: 1 }] }],
    ['require[0].value', { require: [{ ...eq, value: 'é'.repeat(129) }] }],
    ['require[0].value', { require: [{ ...eq, value: '\ud800' }] }],
    ['require[0].value', { require: [{ ...eq, value: ['x'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'in' }] }],
    ['require[0].value', { require: [{ ...eq, op: 'in', value: Array(65).fill('x') }] }],
    ['require[0].value', { require: [{ ...eq, op: 'lte' }] }],
    ['require[0].value', { require: [{ ...eq, op: 'lte', value: '$5' }] }],
    ['require[0].value', { require: [{ ...eq, op: 'lte', value: ['5'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'hostIn', value: ['Evil.example'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'hostIn', value: ['a.example/x'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'hostIn', value: ['*.a.example'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'hostIn', value: ['..a.example'] }] }],
    ['require[0].value', { require: [{ ...eq, op: 'hostIn', value: [''] }] }],
  ])('refuses a wrong %s: %j', (field, json) => {
    expect(fieldsOf(json)).toEqual([field]);
  });

  it('rejects times beyond safe integers', () => {
    expect(parsePolicy({ validFrom: 2 ** 53 }).ok).toBe(false);
  });

  it('accepts values just within bounds', () => {
    const value = 'é'.repeat(128);
    expect(
      fieldsOf({
        tools: [],
        payees: [],
        assets: [],
        lifetime: '9007199254740991u',
        repeat: { times: 100, seconds: 86_400 },
        maxValidity: 86_400,
        validUntil: 2 ** 53 - 1,
        deny: Array(8).fill({ ...eq, op: 'in', value: Array(64).fill(value) }),
        require: Array(8).fill({ ...eq, op: 'gt', value: '-0.50' }),
      }),
    ).toEqual([]);
  });
});

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
      // An explicit 80 is another document: it stays if the default changes.
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
