import { describe, expect, it } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import pythonPolicy from '../../../examples/verifier-python/policy.py?raw';
import { parsePolicy, policySchema, RULE_GROUPS } from '../../../src/policy/policy.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { denialsOf, EVERY_DENIAL, EVERY_RULE } from './every-rule.ts';

const USDC = `eip155:8453/erc20:0x${'ab'.repeat(20)}`;
const PAYEE = `0x${'cd'.repeat(20)}`;
const eq = { param: 'a', op: 'eq', value: 'x' };

const fieldsOf = (json: unknown): readonly string[] => {
  const result = parsePolicy(json);
  return result.ok ? [] : result.error.map(({ field }) => field);
};

it('checks every rule whose field it reads: a limit that only parses would limit nothing', () => {
  expect(EVERY_RULE.length).toBeGreaterThan(17);
  const checked: readonly unknown[] = RULE_GROUPS.flat();
  const unchecked = EVERY_RULE.filter(
    (rule) => rule.check !== undefined && !checked.includes(rule),
  );
  expect(denialsOf(unchecked)).toEqual([]);
  expect(Object.keys(policySchema.shape).toSorted()).toEqual(
    ['v', ...EVERY_RULE.flatMap(({ shape }) => Object.keys(shape))].toSorted(),
  );
});

// A verifier rejects a policy with a field that it does not know.
describe('examples/verifier-python', () => {
  it('reads every field, in policy.py', () => {
    const fields = Object.keys(policySchema.shape);
    expect(fields.filter((field) => !pythonPolicy.includes(`"${field}?"`))).toEqual([]);
  });

  it('names every denial', () => {
    const python = Object.values(
      import.meta.glob(['../../../examples/verifier-python/*.py'], {
        query: '?raw',
        import: 'default',
        eager: true,
      }),
    ).join('\n');
    expect(EVERY_DENIAL.filter((denial) => !python.includes(`"${denial}"`))).toEqual([]);
  });
});

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
