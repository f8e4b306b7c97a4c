import { describe, expect, it } from 'vitest';
import { importUnkey } from '../../../../src/cli/import/unkey.ts';
import { parsePolicy } from '../../../../src/policy/policy.ts';

const PRICE = { price: 1_000n };

/** A key of `apis.listKeys`. */
const key = (fields: object = {}) => ({
  keyId: 'key_1234567890abcdef',
  start: 'sk_test_abc123',
  enabled: true,
  name: 'Production',
  meta: { plan: 'premium' },
  createdAt: 1_701_425_400_000,
  ...fields,
});

const one = (fields: object, options: Parameters<typeof importUnkey>[1] = PRICE) => {
  const read = importUnkey({ meta: {}, data: [key(fields)] }, options);
  const item = read.ok ? read.value[0] : undefined;
  if (item === undefined) throw new Error(JSON.stringify(read));
  expect(parsePolicy(item.policy)).toMatchObject({ ok: true });
  return item;
};

const notes = (fields: object, options?: Parameters<typeof importUnkey>[1]) =>
  one(fields, options).notes.map(({ field, effect }) => [field, effect]);

describe('a key of Unkey', () => {
  it('without limits becomes an empty policy', () => {
    expect(one({})).toEqual({ id: key().keyId, name: 'Production', policy: {}, notes: [] });
  });

  it('maps refilled credits to a window, others to a lifetime limit', () => {
    const credits = (refill?: object) => ({ credits: { remaining: 1000, refill } });
    expect(one(credits()).policy).toEqual({ lifetime: '$1.00' });
    expect(one(credits({ interval: 'daily', amount: 1000 }))).toMatchObject({
      policy: { windows: [{ every: 'day', limit: '$1.00' }] },
      notes: [],
    });
    const monthly = one(credits({ interval: 'monthly', amount: 500, refillDay: 15 }));
    expect(monthly.policy).toEqual({ windows: [{ every: 'month', limit: '$0.50' }] });
    expect(monthly.notes.map(({ field }) => field)).toEqual([
      'credits.refill.refillDay',
      'credits.remaining',
    ]);
    expect(one(credits({ interval: 'monthly', amount: 1000, refillDay: 1 })).notes).toEqual([]);
  });

  it('notes credits as not mapped without a price', () => {
    const item = one({ credits: { remaining: 7, refill: null } }, { price: undefined });
    expect(item.policy).toEqual({});
    expect(item.notes).toMatchObject([{ field: 'credits', effect: 'not_mapped' }]);
    expect(item.notes[0]?.why).toContain('--price');
  });

  it('maps unlimited credits to no limit, and zero credits to $0.00', () => {
    expect(one({ credits: { remaining: null } })).toMatchObject({ policy: {}, notes: [] });
    expect(one({ credits: { remaining: 0 } }).policy).toEqual({ lifetime: '$0.00' });
  });

  it('multiplies exactly, and never beyond what storage holds', () => {
    const most = { credits: { remaining: 9_007_199_254_740_991 } };
    expect(one(most, { price: 1n }).policy).toEqual({ lifetime: '$9007199254.740991' });
    expect(notes(most, { price: 2n })).toEqual([['credits.remaining', 'not_mapped']]);
  });

  it('takes the tightest rate that applies to every call', () => {
    const limits = [
      { id: 'rl_1', name: 'burst', limit: 100, duration: 1000, autoApply: true },
      { id: 'rl_2', name: 'steady', limit: 600, duration: 60_000, autoApply: true },
      { id: 'rl_3', name: 'heavy', limit: 1, duration: 60_000, autoApply: false },
      { id: 'rl_4', name: 'weekly', limit: 1, duration: 604_800_000, autoApply: true },
    ];
    const item = one({ ratelimits: limits });
    expect(item.policy).toEqual({ rate: { limit: 600, seconds: 60 } });
    expect(item.notes.map(({ field }) => field).toSorted()).toEqual([
      'ratelimits[0]',
      'ratelimits[2]',
      'ratelimits[3]',
    ]);
    const short = one({ ratelimits: [{ name: 'x', limit: 5, duration: 500, autoApply: true }] });
    expect(short).toMatchObject({
      policy: { rate: { limit: 5, seconds: 1 } },
      notes: [{ field: 'ratelimits[0]', effect: 'approximated' }],
    });
    expect(one({ ratelimits: [{ limit: 0, duration: 1000, autoApply: true }] }).policy).toEqual({
      tools: [],
    });
  });

  it('maps expiry, and allows nothing while disabled', () => {
    expect(one({ expires: 1_735_689_600_999 }).policy).toEqual({ validUntil: 1_735_689_600 });
    expect(one({ enabled: false })).toMatchObject({
      policy: { tools: [] },
      notes: [{ field: 'enabled', effect: 'approximated' }],
    });
  });

  it('notes fields that no rule covers', () => {
    const more = { permissions: ['documents.read'], roles: [], newThing: { limit: 1 } };
    expect(notes(more)).toEqual([
      ['permissions', 'not_mapped'],
      ['newThing', 'not_mapped'],
    ]);
    expect(
      notes({
        identity: { id: 'id_1', externalId: 'u', ratelimits: [{ limit: 1, duration: 1000 }] },
      }),
    ).toEqual([['identity.ratelimits', 'not_mapped']]);
  });
});

describe('an export of Unkey', () => {
  it('is read in each form: v2 lists, one key, v1, a bare array', () => {
    const ids = (json: unknown) => {
      const read = importUnkey(json, PRICE);
      return read.ok ? read.value.map(({ id }) => id) : read.error;
    };
    expect(ids({ meta: {}, data: [key()], pagination: { hasMore: false } })).toEqual([key().keyId]);
    expect(ids({ meta: {}, data: key() })).toEqual([key().keyId]);
    expect(ids([key()])).toEqual([key().keyId]);
    const old = {
      id: 'key_old',
      start: 'x',
      remaining: 5,
      ratelimit: { type: 'fast', limit: 10, duration: 1000, async: true },
    };
    const read = importUnkey({ keys: [old], total: 1 }, PRICE);
    expect(read).toMatchObject({
      ok: true,
      value: [{ id: 'key_old', policy: { lifetime: '$0.005', rate: { limit: 10, seconds: 1 } } }],
    });
  });

  it.each([
    ['no list', 'text'],
    ['nothing', null],
    ['something else', { tools: [] }],
    ['a key without an id', [{ start: 'x', enabled: true }]],
    ['a limit that is text', [key({ credits: { remaining: '5' } })]],
    ['a limit below zero', [key({ credits: { remaining: -1 } })]],
    ['half a call', [key({ ratelimits: [{ limit: 0.5, duration: 1000, autoApply: true }] })]],
    ['an unknown interval', [key({ credits: { refill: { interval: 'weekly', amount: 1 } } })]],
    [
      'a day that no month has',
      [key({ credits: { refill: { interval: 'monthly', amount: 1, refillDay: 32 } } })],
    ],
    ['a key itself', [key({ plaintext: 'sk_live_123' })]],
    ['one key twice', [key(), key()]],
    ['too many', Array.from({ length: 10_001 }, (_, at) => key({ keyId: `key_${at}` }))],
  ])('with %s is rejected whole', (_, json) => {
    expect(importUnkey(json, PRICE).ok).toBe(false);
  });

  it('never repeats a secret', () => {
    expect(JSON.stringify(importUnkey([key({ plaintext: 'sk_live_123' })], PRICE))).not.toContain(
      'sk_live',
    );
  });
});
