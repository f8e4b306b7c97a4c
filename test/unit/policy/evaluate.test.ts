import { describe, expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import formatPage from '../../../docs/audit-format.md?raw';
import { amounts, counterState } from '../../../src/policy/rule.ts';
import { evaluate, remainingLimits } from '../../../src/policy/evaluate.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import { type Policy, RULE_GROUPS } from '../../../src/policy/policy.ts';
import { type Source } from '../../../src/policy/evaluate.ts';
import type { DenialRule } from '../../../src/protocol/account/denial.ts';
import { denialsOf } from './every-rule.ts';
import { NOW, ACCOUNT, subject, sourceOf, counter, SLOW } from './sources.ts';

/** The number of each denial's group, in the order of evaluation. */
const GROUP = new Map<string, number>(
  RULE_GROUPS.flatMap((group, at) => denialsOf(group).map((denial) => [denial, at + 1] as const)),
);
const groupOf = (rule: string): number => GROUP.get(rule) ?? expect.unreachable(rule);

/** For each rule, a source that denies `subject` by that rule alone, in the order of evaluation. */
const REFUSING: readonly (readonly [DenialRule, Partial<Policy>, Partial<Source>])[] = [
  ['frozen', {}, { status: 'frozen' }],
  ['paused', {}, { status: 'paused' }],
  ['revoked', {}, { status: 'revoked' }],
  ['expired', { validUntil: NOW }, {}],
  ['not_yet', { validFrom: NOW + 7 }, {}],
  ['deny', { deny: [{ param: 'p', op: 'eq', value: 'x' }] }, {}],
  ['tool', { tools: ['pay'] }, {}],
  ['payee', { payees: [] }, {}],
  ['asset', { assets: [] }, {}],
  ['require', { require: [{ param: 'p', op: 'ne', value: 'x' }] }, {}],
  ['binding', { binding: 'intent' }, {}],
  ['validity', { maxValidity: 299 }, {}],
  ['per_call', { perCall: 9n }, {}],
  ['window', {}, { counters: [counter('window')] }],
  ['lifetime', {}, { counters: [counter('lifetime')] }],
  ['rate', { rate: SLOW }, { arrival: (NOW + 30) * 1000 }],
  [
    'repeat',
    { repeat: { times: 2, seconds: 60 } },
    { repeats: { '0x01': { since: 990, count: 2 } } },
  ],
];

describe('precedence', () => {
  test('has an example for each rule with a check, in their order', () => {
    expect(REFUSING.map(([rule]) => rule)).toEqual([...GROUP.keys()]);
  });

  test('has the groups of docs/audit-format.md, Evaluation', () => {
    const [, table = ''] = /^### Evaluation\n(.*?)^\*\*Conditions/ms.exec(formatPage) ?? [];
    const documented = [...table.matchAll(/^\| (\d) \| (.*) \|$/gm)].flatMap(
      ([, group, rules = '']) =>
        [...rules.matchAll(/`(\w+)`/g)].flatMap(([, word = '']) =>
          GROUP.has(word) ? [[word, Number(group)] as const] : [],
        ),
    );
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(GROUP));
  });

  test.each(REFUSING)('%s denies, and names its source', (rule, policy, rest) => {
    const source = sourceOf(policy, rest);
    const verdict = evaluate([sourceOf(), source], subject, NOW);
    expect(verdict).toMatchObject({ allowed: false, rule });
    if (!verdict.allowed) expect(verdict.source).toBe(source);
  });

  const pairs = REFUSING.flatMap((one, at) =>
    REFUSING.slice(at + 1).map((other) => [one[0], other[0], one, other] as const),
  );
  test.each(pairs)(
    '%s and %s of two sources: the group decides, then the order of the sources',
    (_, __, one, other) => {
      const a = sourceOf(one[1], one[2]);
      const b = sourceOf(other[1], other[2]);
      const first = groupOf(one[0]) <= groupOf(other[0]) ? one[0] : other[0];
      const second = groupOf(other[0]) <= groupOf(one[0]) ? other[0] : one[0];
      expect(evaluate([a, b], subject, NOW)).toMatchObject({ rule: first });
      expect(evaluate([b, a], subject, NOW)).toMatchObject({ rule: second });
    },
  );

  test.each(pairs)('%s is before %s of one source', (_, __, one, other) => {
    const { status } = one[2].status === undefined ? other[2] : one[2];
    const both = sourceOf(
      { ...other[1], ...one[1] },
      {
        ...other[2],
        ...one[2],
        ...(status === undefined ? {} : { status }),
        counters: [...(one[2].counters ?? []), ...(other[2].counters ?? [])],
      },
    );
    expect(evaluate([both], subject, NOW)).toMatchObject({ rule: one[0] });
  });

  test('no sources allow everything: the account always adds the default policy', () => {
    expect(evaluate([], subject, NOW)).toEqual({ allowed: true, arrivals: {}, repeats: {} });
  });
});

describe('rules and kinds of calls', () => {
  test('a free call needs no payee, no asset and no money', () => {
    const closed = sourceOf(
      { payees: [], assets: [] },
      { counters: [counter('window', { spent: 99n })] },
    );
    expect(evaluate([closed], { ...subject, price: 0n }, NOW).allowed).toBe(true);
    expect(evaluate([closed], { ...subject, price: 1n }, NOW)).toMatchObject({ rule: 'payee' });
    expect(evaluate([sourceOf({ tools: [] })], { ...subject, price: 0n }, NOW)).toMatchObject({
      rule: 'tool',
    });
  });

  test('the wildcard allows every payee', () => {
    expect(evaluate([sourceOf({ payees: [ANY_PAYEE] })], subject, NOW).allowed).toBe(true);
    expect(evaluate([sourceOf({ payees: [subject.payTo] })], subject, NOW).allowed).toBe(true);
    expect(evaluate([sourceOf({ payees: ['0x01'] })], subject, NOW).allowed).toBe(false);
  });

  test.each(REFUSING)(
    'only status, validity and rate apply to a top-up: %s',
    (rule, policy, rest) => {
      const verdict = evaluate([sourceOf(policy, rest)], { ...subject, topUp: true }, NOW);
      expect(verdict.allowed).toBe(groupOf(rule) > 3 && rule !== 'rate');
      if (verdict.allowed) expect(verdict.repeats).toEqual({});
    },
  );

  test('maximums are inclusive', () => {
    expect(evaluate([sourceOf({ perCall: 10n })], subject, NOW).allowed).toBe(true);
    expect(evaluate([sourceOf({ maxValidity: 300 })], subject, NOW).allowed).toBe(true);
    expect(
      evaluate([sourceOf({ validFrom: NOW, validUntil: NOW + 1 })], subject, NOW).allowed,
    ).toBe(true);
    expect(
      evaluate([sourceOf({ binding: 'intent' })], { ...subject, binding: 'intent' }, NOW).allowed,
    ).toBe(true);
  });

  test('a condition names its parameter; one on tools alone has none', () => {
    const rule = { param: 'q', op: 'eq', value: 'x' } as const;
    expect(evaluate([sourceOf({ deny: [rule] })], subject, NOW)).toMatchObject({ param: 'q' });
    expect(evaluate([sourceOf({ require: [rule] })], subject, NOW)).toMatchObject({ param: 'q' });
    expect(evaluate([sourceOf({ deny: [{ tools: ['*'] }] })], subject, NOW)).not.toHaveProperty(
      'param',
    );
  });
});

describe('remainingLimits', () => {
  test('names limits by their source, and omits leases', () => {
    const counters = [counter('window'), counter('lifetime')];
    const rate = { limit: 2, seconds: 60 };
    const kinds = ['default', 'operator', 'owner', 'grant', 'lease'] as const;
    const told = remainingLimits(
      kinds.map((kind) => sourceOf({ rate }, { counters, arrival: 0 }, kind)),
      NOW,
    );
    expect(told.map(({ rule, account }) => [rule, account])).toEqual([
      ...['window:day', 'lifetime', 'rate', 'window:day', 'lifetime', 'rate'].map((rule) => [
        rule,
        undefined,
      ]),
      ...['owner', 'grant'].flatMap((kind) =>
        ['window:day', 'lifetime', 'rate'].map((rule) => [`${kind}:${rule}`, ACCOUNT]),
      ),
    ]);
    expect(told[1]).toEqual(amounts('lifetime', 50n, 30n, 15n));
    expect(told[2]).toEqual({ ...amounts('rate', 2n, 0n, 0n), window: 60 });
  });

  test('omits a rate that another account counts', () => {
    expect(remainingLimits([sourceOf({ rate: SLOW })], NOW)).toEqual([]);
  });

  test('an overdrawn limit has zero remaining', () => {
    expect(counterState(counter('lifetime', { spent: 60n }), 'x:')).toEqual({
      rule: 'x:lifetime',
      limit: '50',
      spent: '60',
      held: '15',
      remaining: '0',
    });
  });
});
