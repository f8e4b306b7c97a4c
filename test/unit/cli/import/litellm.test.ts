import { describe, expect, it } from 'vitest';
import { importLitellm, windowOf } from '../../../../src/cli/import/litellm.ts';
import { unitsOf } from '../../../../src/cli/import/records.ts';
import { parsePolicy } from '../../../../src/policy/policy.ts';

const PLAIN = { modelsAsTools: false };
const TOKEN = '88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b';

/** A row of `/key/list?return_full_object=true`. */
const row = (fields: object = {}) => ({
  token: TOKEN,
  key_name: 'sk-...abcd',
  key_alias: 'crawler',
  spend: 0.0,
  max_budget: null,
  expires: null,
  models: [],
  aliases: {},
  config: {},
  user_id: 'u1',
  team_id: null,
  metadata: {},
  tpm_limit: null,
  rpm_limit: null,
  blocked: null,
  model_max_budget: {},
  created_at: '2025-01-01T00:00:00Z',
  ...fields,
});

const one = (fields: object, options = PLAIN) => {
  const read = importLitellm({ keys: [row(fields)], total_count: 1 }, options);
  const item = read.ok ? read.value[0] : undefined;
  if (item === undefined) throw new Error(JSON.stringify(read));
  expect(parsePolicy(item.policy)).toMatchObject({ ok: true });
  return item;
};

const notes = (fields: object, options = PLAIN) =>
  one(fields, options).notes.map(({ field, effect }) => [field, effect]);

describe('a budget of LiteLLM', () => {
  it('becomes a lifetime limit without a duration, else a window', () => {
    expect(one({ max_budget: 100.0 }).policy).toEqual({ lifetime: '$100.00' });
    const window = (duration: string) =>
      one({ max_budget: 12.5, budget_duration: duration }).policy.windows;
    expect(window('1h')).toEqual([{ every: 'hour', limit: '$12.50' }]);
    expect(window('1d')).toEqual([{ every: 'day', limit: '$12.50' }]);
    expect(window('24h')).toEqual([{ every: 'day', limit: '$12.50' }]);
    expect(window('1mo')).toEqual([{ every: 'month', limit: '$12.50' }]);
    expect(window('30d')).toEqual([{ every: 'month', limit: '$12.50' }]);
    expect(window('30m')).toEqual([{ every: 1800, limit: '$12.50' }]);
    expect(window('7d')).toEqual([{ every: 604_800, limit: '$12.50' }]);
  });

  it('with an unsupported duration becomes no limit', () => {
    for (const duration of ['2mo', '400d', 'monthly', '0d', '30', 'd']) {
      const item = one({ max_budget: 5, budget_duration: duration });
      expect(item.policy).toEqual({});
      expect(item.notes.map(({ field }) => field)).toEqual(['budget_duration', 'max_budget']);
    }
  });

  it.each([
    ['1h', false],
    ['6h', false],
    ['15m', false],
    ['1d', false],
    ['1mo', false],
    ['30d', true],
    ['7d', true],
    ['1w', true],
    ['5h', true],
    ['3d', true],
  ])(
    'of %s is marked approximated if its window begins at another time',
    (duration, isApproximated) => {
      const window = windowOf(duration);
      expect('every' in window && window.approximated !== undefined).toBe(isApproximated);
    },
  );

  it('is exact to the last written digit', () => {
    const limit = (max: number | string) => one({ max_budget: max }).policy.lifetime;
    expect(limit(0.1)).toBe('$0.10');
    expect(limit(0.000001)).toBe('$0.000001');
    expect(limit(1e-6)).toBe('$0.000001');
    expect(limit(0.29)).toBe('$0.29');
    expect(limit(1.1)).toBe('$1.10');
    expect(limit('4.35')).toBe('$4.35');
    expect(limit(0)).toBe('$0.00');
    expect(one({ max_budget: 0.0000019 })).toMatchObject({
      policy: { lifetime: '$0.000001' },
      notes: [{ field: 'max_budget', effect: 'approximated' }],
    });
    expect(notes({ max_budget: 1e20 })).toEqual([['max_budget', 'not_mapped']]);
  });

  it('converts every amount of cents up to $100.00 exactly', () => {
    for (let cents = 0; cents <= 10_000; cents += 1)
      expect(unitsOf(cents / 100)).toEqual({ amount: BigInt(cents) * 10_000n, exact: true });
  });

  it('rounds its soft limit down to a whole percentage', () => {
    expect(one({ max_budget: 100, soft_budget: 80 })).toMatchObject({
      policy: { softPercent: 80 },
      notes: [],
    });
    expect(one({ max_budget: 3, soft_budget: 2 })).toMatchObject({
      policy: { softPercent: 66 },
      notes: [{ field: 'soft_budget', effect: 'approximated' }],
    });
    expect(notes({ soft_budget: 5 })).toEqual([['soft_budget', 'not_mapped']]);
    expect(notes({ max_budget: 5, soft_budget: 5 })).toEqual([['soft_budget', 'not_mapped']]);
    expect(notes({ max_budget: 0, soft_budget: 1 })).toEqual([['soft_budget', 'not_mapped']]);
  });

  it('may come from the budget table of the row', () => {
    const table = { max_budget: 7, soft_budget: 3.5, rpm_limit: 9, budget_duration: '1d' };
    expect(one({ litellm_budget_table: table }).policy).toEqual({
      windows: [{ every: 'day', limit: '$7.00' }],
      softPercent: 50,
      rate: { limit: 9, seconds: 60 },
    });
    expect(one({ max_budget: 1, litellm_budget_table: table }).policy.windows).toEqual([
      { every: 'day', limit: '$1.00' },
    ]);
  });
});

describe('a row of LiteLLM', () => {
  it('maps rate, expiry and block', () => {
    expect(one({ rpm_limit: 60 }).policy).toEqual({ rate: { limit: 60, seconds: 60 } });
    expect(one({ rpm_limit: 0 }).policy).toEqual({ tools: [] });
    expect(notes({ rpm_limit: 1_000_001 })).toEqual([['rpm_limit', 'not_mapped']]);
    const until = { validUntil: 1_798_675_200 };
    expect(one({ expires: '2026-12-31T00:00:00+00:00' }).policy).toEqual(until);
    expect(one({ expires: '2026-12-31T00:00:00' }).policy).toEqual(until);
    expect(one({ expires: '2026-12-31 00:00:00.000' }).policy).toEqual(until);
    expect(notes({ expires: 'soon' })).toEqual([['expires', 'not_mapped']]);
    expect(one({ blocked: true }).policy).toEqual({ tools: [] });
  });

  it('notes fields that no rule covers', () => {
    const more = {
      tpm_limit: 5000,
      max_parallel_requests: 3,
      model_max_budget: { 'gpt-4o': { max_budget: '0.1', budget_duration: '1d' } },
      team_id: 't1',
      new_limit: 4,
    };
    expect(notes(more)).toEqual([
      ['tpm_limit', 'not_mapped'],
      ['max_parallel_requests', 'not_mapped'],
      ['model_max_budget', 'not_mapped'],
      ['team_id', 'not_mapped'],
      ['new_limit', 'not_mapped'],
    ]);
    expect(notes({ max_budget: 5, spend: 1.25 })).toEqual([['spend', 'not_mapped']]);
  });

  it('maps models to tools with --models-as-tools only', () => {
    const models = ['gpt-4o', 'openai/*', 'Claude'];
    expect(one({ models }).policy).toEqual({});
    expect(notes({ models })).toEqual([['models', 'not_mapped']]);
    const tools = one({ models }, { modelsAsTools: true });
    expect(tools.policy).toEqual({ tools: ['gpt-4o'] });
    expect(tools.notes).toHaveLength(2);
    expect(one({ models: ['all-proxy-models'] }, { modelsAsTools: true })).toMatchObject({
      policy: {},
      notes: [],
    });
  });
});

describe('an export of LiteLLM', () => {
  it('is read in each form: keys, one key, users, teams, a bare array', () => {
    const named = (json: unknown) => {
      const read = importLitellm(json, PLAIN);
      return read.ok ? read.value.map(({ id, name }) => [id, name]) : read.error;
    };
    expect(named({ keys: [row()], total_count: 1 })).toEqual([[TOKEN, 'crawler']]);
    expect(named({ key: TOKEN, info: row({ token: undefined }) })).toEqual([[TOKEN, 'crawler']]);
    expect(
      named({ users: [{ user_id: 'u1', user_email: 'a@b.example', max_budget: 1 }], total: 1 }),
    ).toEqual([['u1', 'a@b.example']]);
    expect(named([{ team_id: 't1', team_alias: 'research', members: [], max_budget: 1 }])).toEqual([
      ['t1', 'research'],
    ]);
    expect(
      named({ team_id: 't1', team_info: { team_alias: 'research', max_budget: 1 }, keys: [] }),
    ).toEqual([['t1', 'research']]);
  });

  it.each([
    ['hashes only', { keys: [TOKEN] }],
    ['nothing', {}],
    ['text', 'x'],
    ['a key itself', [row({ token: 'sk-1234' })]],
    ['a key itself beside its row', { key: 'sk-1234', info: row({ token: undefined }) }],
    ['a budget below zero', [row({ max_budget: -1 })]],
    ['a budget that is text', [row({ max_budget: 'much' })]],
    ['half a call', [row({ rpm_limit: 0.5 })]],
    ['one key twice', [row(), row()]],
    ['no id', [{ max_budget: 5 }]],
  ])('with %s is rejected whole without repeating a secret', (_, json) => {
    const read = importLitellm(json, PLAIN);
    expect(read.ok).toBe(false);
    expect(JSON.stringify(read)).not.toContain('sk-1234');
  });
});
