import { describe, expect, it } from 'vitest';
import { parseDefaultPolicy } from '../../../src/policy/policy.ts';

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

  it('refuses a text that would not fit into the entry of a call', () => {
    const tools = (count: number) => Array.from({ length: count }, (_, at) => `tool-${at}`);
    expect(parseDefaultPolicy({ ...written, tools: tools(60) }).ok).toBe(true);
    const values = Array.from({ length: 64 }, (_, at) => `${at}`.padEnd(200, 'x'));
    const deny = [{ param: 'host', op: 'in', value: values }];
    expect(parseDefaultPolicy({ ...written, deny })).toMatchObject({
      ok: false,
      error: [{ field: '', reason: 'must be at most 8192 bytes' }],
    });
  });

  it('accepts the largest storable amount, and reports every fault at once', () => {
    expect(parseDefaultPolicy({ ...written, perCall: '9007199254740991u' }).ok).toBe(true);
    const result = parseDefaultPolicy({ perCall: 'x', exposure: 'y', rate: {}, more: 1 });
    expect(result.ok ? [] : result.error.map((fault) => fault.field).toSorted()).toEqual(
      ['exposure', 'more', 'perCall', 'rate.limit', 'rate.seconds'].toSorted(),
    );
  });
});
