import { describe, expect, it } from 'vitest';
import { BUILT_IN_POLICY, parsePolicy, policyHash } from '../../../src/policy/schema.ts';

const written = {
  perCall: '$5.00',
  exposure: '1000000',
  rate: { limit: 600, seconds: 60 },
  windows: [
    { every: 'day', limit: '$20' },
    { every: 90, limit: '7' },
  ],
};

describe('parsePolicy', () => {
  it('reads dollars and atomic units', () => {
    expect(parsePolicy(written)).toEqual({
      ok: true,
      value: {
        perCall: 5_000_000n,
        exposure: 1_000_000n,
        rate: { limit: 600, seconds: 60 },
        windows: [
          { every: 'day', limit: 20_000_000n },
          { every: 90, limit: 7n },
        ],
      },
    });
  });

  it('has no windows where none are written', () => {
    const { windows: _, ...rest } = written;
    expect(parsePolicy(rest)).toMatchObject({ ok: true, value: { windows: [] } });
  });

  it.each([
    ['perCall', { ...written, perCall: '5.00' }],
    ['perCall', { ...written, perCall: 5 }],
    ['perCall', { ...written, perCall: '$-1' }],
    ['perCall', { ...written, perCall: '9007199254740992' }],
    ['exposure', { ...written, exposure: undefined }],
    ['rate.limit', { ...written, rate: { limit: 0, seconds: 60 } }],
    ['rate.seconds', { ...written, rate: { limit: 1, seconds: 0.5 } }],
    ['rate.burst', { ...written, rate: { limit: 1, seconds: 1, burst: 2 } }],
    ['rate', { ...written, rate: 600 }],
    [
      'windows[1].every',
      { ...written, windows: [written.windows[0], { every: 'week', limit: '1' }] },
    ],
    ['windows[0].every', { ...written, windows: [{ every: 0, limit: '1' }] }],
    ['windows[0].limit', { ...written, windows: [{ every: 'day', limit: '01' }] }],
    ['windows', { ...written, windows: [written.windows[0], { every: 'day', limit: '1' }] }],
    ['windows', { ...written, windows: {} }],
    ['lifetime', { ...written, lifetime: '1' }],
    ['', 'nothing'],
  ])('refuses a wrong %s', (field, json) => {
    const result = parsePolicy(json);
    expect(result.ok).toBe(false);
    if (!result.ok) expect(result.error.map((fault) => fault.field)).toEqual([field]);
  });

  it('takes the largest storable amount and names every fault at once', () => {
    expect(parsePolicy({ ...written, perCall: '9007199254740991' }).ok).toBe(true);
    const result = parsePolicy({ perCall: 'x', exposure: 'y', rate: {}, more: 1 });
    expect(result.ok ? [] : result.error.map((fault) => fault.field).toSorted()).toEqual(
      ['exposure', 'more', 'perCall', 'rate.limit', 'rate.seconds'].toSorted(),
    );
  });
});

describe('policyHash', () => {
  it('is the SHA-256 of JCS', async () => {
    const text =
      '{"exposure":"1000000","perCall":"5000000","rate":{"limit":600,"seconds":60},"windows":[]}';
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
    const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0'));
    expect(policyHash(BUILT_IN_POLICY)).toBe(`0x${hex.join('')}`);
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
    ];
    expect(new Set(variants.map(policyHash)).size).toBe(variants.length);
  });
});
