import { describe, expect, it } from 'vitest';
import { signerPolicySchema } from '../../../src/protocol/signer/policy.ts';
import { exposureOf, signerPolicyHash, signerPolicyJson } from '../../../src/signer/policy.ts';
import { policy } from './fixture.ts';

const document = signerPolicyJson(policy);
const fieldsOf = (change: Record<string, unknown>) => {
  const parsed = signerPolicySchema.safeParse({ ...document, ...change });
  return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
};

describe('the policy of an agent', () => {
  it('is read as it was written, with one hash', () => {
    const parsed = signerPolicySchema.parse(document);
    expect(parsed).toEqual(policy);
    expect(signerPolicyHash(parsed)).toBe(signerPolicyHash(policy));
  });

  it('must limit a window or the lifetime', () => {
    expect(fieldsOf({ windows: [] })).toEqual(['windows']);
    expect(fieldsOf({ windows: [], lifetime: '$5' })).toEqual([]);
  });

  it.each([
    ['audiences', ['https://gateway.example/']],
    ['audiences', ['gateway.example']],
    ['assets', ['USDC']],
    ['perSignature', 5],
    ['maxValidity', 3601],
    [
      'windows',
      [
        { every: 'day', limit: '$1' },
        { every: 'day', limit: '$2' },
      ],
    ],
    ['status', 'revoked'],
  ])('refuses a malformed %s', (field, value) => {
    expect(fieldsOf({ [field]: value })[0]?.split('.')[0]).toBe(field);
  });
});

describe('the exposure of a stolen key', () => {
  it('counts each fixed window that a period can touch', () => {
    expect(exposureOf({ ...policy, windows: [{ every: 'day', limit: 10n }] })).toEqual({
      hour: '20',
      day: '20',
      month: '310',
    });
  });

  it('is bounded by the tightest limit, and adds up over agents', () => {
    const tight = {
      ...policy,
      windows: [
        { every: 'hour', limit: 1n },
        { every: 'day', limit: 10n },
      ],
      lifetime: 30n,
    } as const;
    expect(exposureOf(tight, 2)).toEqual({ hour: '4', day: '40', month: '60', lifetime: '60' });
  });
});
