import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  comparedParams,
  type Condition,
  denyingCondition,
  hostOf,
  type Operator,
  scaled,
} from '../../../../src/policy/rules/conditions.ts';
import type { Subject } from '../../../../src/policy/rule.ts';

const subjectOf = (params: Subject['params'], tool = 'pay.card'): Subject => ({
  tool,
  payTo: `0x${'11'.repeat(20)}`,
  asset: `eip155:8453/erc20:0x${'22'.repeat(20)}`,
  price: 0n,
  topUp: false,
  binding: 'intent',
  validBefore: 0,
  request: '0x01',
  params,
});

/** Tells whether a condition holds for a value: `unknown` if both `deny` and `require` deny the call. */
const outcome = (op: Operator, value: Condition['value'] & {}, actual: string) => {
  const subject = subjectOf({ p: { found: true, value: actual } });
  const rules = [{ param: 'p', op, value }];
  const denied = denyingCondition(rules, 'deny', subject) !== undefined;
  const required = denyingCondition(rules, 'require', subject) === undefined;
  return denied === required ? required : 'unknown';
};

describe('operators', () => {
  test.each<[Operator, string | string[], string, boolean | 'unknown']>([
    ['eq', 'a', 'a', true],
    ['eq', 'a', 'A', false],
    ['eq', '1', '1.0', false],
    ['ne', 'a', 'b', true],
    ['ne', 'a', 'a', false],
    ['in', ['a', 'b'], 'b', true],
    ['in', ['a', 'b'], 'c', false],
    ['in', [], 'a', false],
    ['startsWith', 'ab', 'abc', true],
    ['startsWith', 'b', 'abc', false],
    ['endsWith', 'bc', 'abc', true],
    ['endsWith', 'b', 'abc', false],
    ['lt', '10', '9', true],
    ['lt', '10', '10', false],
    ['lte', '10', '10.0', true],
    ['gt', '9007199254740992', '9007199254740993', true],
    ['gte', '-1', '-1.00001', false],
    ['gte', '-0', '0', true],
    ['lt', '10', '1e0', 'unknown'],
    ['lt', '10', '', 'unknown'],
    ['gt', '10', ' 11', 'unknown'],
    ['gt', '10', '+11', 'unknown'],
    ['gt', '10', '0x11', 'unknown'],
    ['gt', '10', '.5', 'unknown'],
    ['gt', '10', '11\n', 'unknown'],
    ['gt', '10', '9'.repeat(81), 'unknown'],
    ['hostIn', ['a.example'], 'https://a.example/x', true],
    ['hostIn', ['a.example'], 'HTTP://A.EXAMPLE:8080', true],
    ['hostIn', ['a.example'], 'https://b.a.example/', false],
    ['hostIn', ['.a.example'], 'https://b.a.example/', true],
    ['hostIn', ['.a.example'], 'https://a.example/', false],
    ['hostIn', ['.a.example'], 'https://evila.example/', false],
    ['hostIn', ['a.example'], 'https://evil.example/?a.example', false],
    ['hostIn', ['127.0.0.1'], 'http://0x7f.1/', true],
  ])('%s %j and the value %j: %s', (op, value, actual, expected) => {
    expect(outcome(op, value, actual)).toBe(expected);
  });

  test.each([
    'a.example',
    '//a.example/',
    'ftp://a.example/',
    'https:a.example',
    'https://user@a.example/',
    'https://a.example@evil.example/',
    'https://evil.example\\@a.example/',
    'https://a.example\\.evil.example/',
    'https://a.example#@evil.example/',
    'https://a.example?@evil.example/',
    'https://a.example./',
    'https://.a.example/',
    'https://%61.example/',
    'https://ａ.example/',
    'https://a.exa\tmple/',
    ' https://a.example/',
    'https://a.example:99999/',
    'https://[::1]/',
  ])('law 8: %j may name another host for another parser, so deny and require both deny', (url) => {
    expect(hostOf(url)).toBeUndefined();
    expect(outcome('hostIn', ['a.example', 'evil.example'], url)).toBe('unknown');
  });

  test('a value of the wrong kind never matches', () => {
    expect(outcome('in', 'abc', 'b')).toBe('unknown');
    expect(outcome('eq', ['b'], 'b')).toBe('unknown');
  });
});

describe('decimals', () => {
  const parts = fc.record({
    minus: fc.boolean(),
    whole: fc.bigInt({ min: 0n, max: 10n ** 40n }),
    zeros: fc.nat(4),
    fraction: fc.stringMatching(/^[0-9]{0,12}$/),
  });
  const write = ({
    minus,
    whole,
    zeros,
    fraction,
  }: {
    minus: boolean;
    whole: bigint;
    zeros: number;
    fraction: string;
  }) => `${minus ? '-' : ''}${'0'.repeat(zeros)}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  /** Numerator and denominator, without a scale. */
  const rational = (text: string): readonly [bigint, bigint] => {
    const [whole = '', fraction = ''] = text.replace('-', '').split('.');
    const size = 10n ** BigInt(fraction.length);
    const above = BigInt(whole) * size + BigInt(fraction === '' ? 0 : fraction);
    return [text.startsWith('-') ? -above : above, size];
  };

  test('compare as exact rationals', () => {
    fc.assert(
      fc.property(parts.map(write), parts.map(write), fc.boolean(), (one, other, equal) => {
        const two = equal ? `${one}${one.includes('.') ? '' : '.'}0` : other;
        const [a, b] = rational(one);
        const [c, d] = rational(two);
        const order = a * d < c * b ? -1 : a * d > c * b ? 1 : 0;
        expect(outcome('lt', two, one)).toBe(order < 0);
        expect(outcome('lte', two, one)).toBe(order <= 0);
        expect(outcome('gt', two, one)).toBe(order > 0);
        expect(outcome('gte', two, one)).toBe(order >= 0);
      }),
      { numRuns: 1_000 },
    );
  });

  test('other text is no number', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        expect(scaled(text) !== undefined).toBe(/^-?\d+(\.\d+)?$/.test(text) && !/\s/.test(text));
      }),
    );
  });
});

describe('law 8: deny and require both deny an unknown result', () => {
  const rule: Condition = { param: 'p', op: 'eq', value: 'x' };
  test.each<[string, Subject['params']]>([
    ['not declared', {}],
    ['declared, but not in the request', { p: { found: false } }],
    ['only inherited', Object.create({ p: { found: true, value: 'x' } }) as Subject['params']],
  ])('%s', (_, params) => {
    expect(denyingCondition([rule], 'deny', subjectOf(params))).toBe(rule);
    expect(denyingCondition([rule], 'require', subjectOf(params))).toBe(rule);
  });

  test('an inherited name is not a declared parameter', () => {
    const inherited: Condition = { param: 'constructor', op: 'ne', value: 'x' };
    expect(denyingCondition([inherited], 'require', subjectOf({}))).toBe(inherited);
  });
});

describe('rules and tools', () => {
  test('a condition for other tools does not apply', () => {
    const rule: Condition = { tools: ['mail.*'], param: 'p', op: 'eq', value: 'x' };
    expect(denyingCondition([rule], 'deny', subjectOf({}))).toBeUndefined();
    expect(denyingCondition([rule], 'require', subjectOf({}))).toBeUndefined();
    expect(denyingCondition([rule], 'require', subjectOf({}, 'mail.send'))).toBe(rule);
  });

  test('deny may name tools alone', () => {
    expect(denyingCondition([{ tools: ['pay.*'] }], 'deny', subjectOf({}))).toBeDefined();
    expect(denyingCondition([{ tools: ['mail'] }], 'deny', subjectOf({}))).toBeUndefined();
  });

  test('returns the first condition that denies', () => {
    const subject = subjectOf({ p: { found: true, value: 'x' }, q: { found: true, value: 'x' } });
    const rules: Condition[] = ['o', 'p', 'q'].map((param) => ({ param, op: 'ne', value: 'x' }));
    expect(denyingCondition(rules.slice(1), 'require', subject)?.param).toBe('p');
    expect(denyingCondition(rules.slice(1), 'deny', subject)).toBeUndefined();
    expect(denyingCondition(rules, 'deny', subject)?.param).toBe('o');
  });
});

test('the compared parameters are those of the conditions that apply to the tool, each once', () => {
  const deny: Condition[] = [
    { tools: ['mail.*'], param: 'to', op: 'eq', value: 'x' },
    { tools: ['pay.*'] },
    { param: 'url', op: 'eq', value: 'x' },
  ];
  const require: Condition[] = [{ tools: ['pay.card'], param: 'url', op: 'ne', value: 'x' }];
  const policies = [
    { deny, require },
    { deny: [], require: [] },
  ];
  expect(comparedParams(policies, 'pay.card')).toEqual(['url']);
  expect(comparedParams(policies, 'mail.send')).toEqual(['to', 'url']);
});
