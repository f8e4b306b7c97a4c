import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amounts, counterState } from '../../../src/policy/limit.ts';
import { evaluate, remainingLimits } from '../../../src/policy/evaluate.ts';
import { ANY_PAYEE } from '../../../src/policy/rules/payees.ts';
import {
  type SpendCounter,
  type Origin,
  type Repeats,
  type Subject,
} from '../../../src/policy/rule.ts';
import { type Policy } from '../../../src/policy/policy.ts';
import { type Source } from '../../../src/policy/evaluate.ts';

const NOW = 1_000;
const ACCOUNT = `eip155:1:0x${'aa'.repeat(20)}` as const;
const EMPTY: Policy = { windows: [], deny: [], require: [] };

const subject: Subject = {
  tool: 'pay.card',
  payTo: `0x${'11'.repeat(20)}`,
  asset: `eip155:1/erc20:0x${'22'.repeat(20)}`,
  price: 10n,
  topUp: false,
  binding: 'none',
  validBefore: NOW + 300,
  request: '0x01',
  params: { p: { found: true, value: 'x' } },
};

const sourceOf = (
  policy: Partial<Policy> = {},
  rest: Partial<Source> = {},
  kind: Origin['kind'] = 'default',
): Source => ({
  key: kind,
  origin: { kind, account: ACCOUNT, hash: '0x' },
  status: 'active',
  policy: { ...EMPTY, ...policy },
  counters: [],
  ...rest,
});

const counter = (
  rule: SpendCounter['rule'],
  changes: Partial<SpendCounter> = {},
): SpendCounter => ({
  rule,
  name: rule === 'window' ? 'day' : rule,
  limit: 50n,
  spent: 30n,
  held: 15n,
  ...(rule === 'window' ? { resetsAt: 86_400, window: 86_400 } : {}),
  ...changes,
});

const SLOW = { limit: 1, seconds: 60 };

/** The group of each rule in `RULE_GROUPS`. */
const GROUP = {
  frozen: 1,
  paused: 2,
  revoked: 3,
  expired: 3,
  not_yet: 3,
  deny: 4,
  tool: 5,
  payee: 5,
  asset: 5,
  require: 5,
  binding: 5,
  validity: 5,
  per_call: 6,
  window: 7,
  lifetime: 7,
  rate: 8,
  repeat: 9,
};

/** For each rule a source that denies `subject` by that rule alone, in the order of evaluation. */
const REFUSING: readonly (readonly [keyof typeof GROUP, Partial<Policy>, Partial<Source>])[] = [
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
      const first = GROUP[one[0]] <= GROUP[other[0]] ? one[0] : other[0];
      const second = GROUP[other[0]] <= GROUP[one[0]] ? other[0] : one[0];
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
      expect(verdict.allowed).toBe(GROUP[rule] > 3 && rule !== 'rate');
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

describe('money', () => {
  test('law 6: the last unit is usable and the next one is not', () => {
    const source = sourceOf({}, { counters: [counter('window', { held: 10n })] });
    expect(evaluate([source], subject, NOW).allowed).toBe(true);
    expect(evaluate([source], { ...subject, price: 11n }, NOW)).toMatchObject({
      allowed: false,
      rule: 'window',
      retryAfter: 85_400,
      counter: { name: 'day' },
      limit: {
        rule: 'window:day',
        limit: '50',
        spent: '30',
        held: '10',
        remaining: '10',
        resetsAt: 86_400,
        window: 86_400,
      },
    });
  });

  test('law 6: no call passes a counter of any source, in any order', () => {
    const units = fc.bigInt({ min: 0n, max: 20n });
    const counters = fc.array(
      fc.record({ limit: units, spent: units, held: units }).map((each) => counter('window', each)),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(
        fc.array(counters, { maxLength: 4 }),
        fc.bigInt({ min: 1n, max: 20n }),
        (all, price) => {
          const sources = all.map((list) => sourceOf({}, { counters: list }));
          const fits = all.flat().every(({ limit, spent, held }) => spent + held + price <= limit);
          expect(evaluate(sources, { ...subject, price }, NOW).allowed).toBe(fits);
          expect(evaluate(sources.toReversed(), { ...subject, price }, NOW).allowed).toBe(fits);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('states a retry time only if a later call can pass', () => {
    const refused = (policy: Partial<Policy>, rest: Partial<Source> = {}, price = 10n) =>
      evaluate([sourceOf(policy, rest)], { ...subject, price }, NOW);
    expect(refused({}, { counters: [counter('window')] }, 51n)).not.toHaveProperty('retryAfter');
    expect(refused({}, { counters: [counter('lifetime')] })).not.toHaveProperty('retryAfter');
    expect(refused({ perCall: 1n })).not.toHaveProperty('retryAfter');
    expect(refused({ validFrom: NOW + 7 })).toMatchObject({ retryAfter: 7 });
  });
});

describe('rate', () => {
  test('admits a burst, then one at a time', () => {
    let arrival = 0;
    const admitted = [0, 0, 0, 0, 9, 10, 11, 20].map((now) => {
      const source = sourceOf({ rate: { limit: 3, seconds: 30 } }, { arrival });
      const verdict = evaluate([source], { ...subject, validBefore: now }, now);
      if (verdict.allowed) arrival = verdict.arrivals.default ?? Number.NaN;
      return verdict.allowed;
    });
    expect(admitted).toEqual([true, true, true, false, false, true, false, true]);
  });

  test('a denied call counts nowhere, and each source counts separately', () => {
    const free = sourceOf({ rate: { limit: 2, seconds: 60 } }, { key: 'free', arrival: 0 });
    const elsewhere = sourceOf({ rate: SLOW }, { key: 'elsewhere' });
    const full = sourceOf({ rate: SLOW }, { key: 'full', arrival: (NOW + 30) * 1000 }, 'owner');
    expect(evaluate([free, elsewhere], subject, NOW)).toEqual({
      allowed: true,
      arrivals: { free: (NOW + 30) * 1000 },
      repeats: {},
    });
    expect(evaluate([free, full], subject, NOW)).toMatchObject({
      rule: 'rate',
      retryAfter: 30,
      limit: {
        // The time of the next call, not of the next whole burst.
        resetsAt: NOW + 30,
        rule: 'owner:rate',
        limit: '1',
        spent: '1',
        remaining: '0',
        window: 60,
        account: ACCOUNT,
      },
    });
  });
});

describe('repeats', () => {
  const looping = (repeats: Repeats) =>
    sourceOf({ repeat: { times: 2, seconds: 60 } }, { repeats });
  const next = (repeats: Repeats, request: `0x${string}`, now: number): Repeats | number => {
    const verdict = evaluate([looping(repeats)], { ...subject, request, validBefore: now }, now);
    if (verdict.allowed) return verdict.repeats.default ?? {};
    expect(verdict.rule).toBe('repeat');
    return verdict.retryAfter ?? 0;
  };

  test('denies the call after `times` until the period of the first is over', () => {
    const once = next({}, '0x01', 100) as Repeats;
    const twice = next(once, '0x01', 130) as Repeats;
    expect(twice).toEqual({ '0x01': { since: 100, count: 2 } });
    expect(next(twice, '0x01', 131)).toBe(29);
    expect(next(twice, '0x01', 159)).toBe(1);
    expect(next(twice, '0x01', 160)).toEqual({ '0x01': { since: 160, count: 1 } });
    expect(next(twice, '0x02', 131)).toEqual({ ...twice, '0x02': { since: 131, count: 1 } });
  });

  test('forgets requests whose period is over', () => {
    const old = { '0x01': { since: 100, count: 2 }, '0x02': { since: 150, count: 1 } };
    expect(next(old, '0x03', 170)).toEqual({
      '0x02': { since: 150, count: 1 },
      '0x03': { since: 170, count: 1 },
    });
  });

  test('counts at most 64 requests, and keeps a loop among them', () => {
    let repeats = next({}, '0xff', 100) as Repeats;
    for (let at = 0; at < 200; at += 1) {
      if (at === 50) repeats = next(repeats, '0xff', 100) as Repeats;
      repeats = next(repeats, `0x${at.toString(16).padStart(4, '0')}`, 100) as Repeats;
      expect(Object.keys(repeats).length).toBeLessThanOrEqual(64);
      if (at === 100) expect(next(repeats, '0xff', 100)).toBe(60);
    }
    expect(Object.keys(repeats)).toHaveLength(64);
    expect(next(repeats, '0xff', 100)).toMatchObject({ '0xff': { count: 1 } });
  });

  test('does not count a top-up', () => {
    const verdict = evaluate([looping({})], { ...subject, topUp: true }, NOW);
    expect(verdict).toEqual({ allowed: true, arrivals: {}, repeats: {} });
  });

  test('does not count if another account does', () => {
    const { repeats: _, ...elsewhere } = looping({});
    expect(evaluate([elsewhere], subject, NOW)).toEqual({
      allowed: true,
      arrivals: {},
      repeats: {},
    });
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
