import { describe, expect, it } from 'vitest';
import { ZERO_ADDRESS } from '../../../../src/core/hex.ts';
import type { Authorization } from '../../../../src/protocol/payment.ts';
import { checkAuthorization } from '../../../../src/protocol/x402/authorization.ts';
import { AGENT, BASE_SEPOLIA, NOW, PAY_TO, requirement } from './fixture.ts';

const price = requirement(BASE_SEPOLIA, 20_000n, 3600);
const now = BigInt(NOW);
const authorization: Authorization = {
  from: AGENT,
  to: PAY_TO,
  value: 20_000n,
  validAfter: 0n,
  validBefore: now + 300n,
  nonce: `0x${'ab'.repeat(32)}`,
};
const reason = (change: Partial<Authorization>): string => {
  const result = checkAuthorization(price, { ...authorization, ...change }, NOW);
  return result.ok ? 'ok' : result.error.reason;
};

describe('checkAuthorization', () => {
  it('accepts an exact payment', () => {
    expect(checkAuthorization(price, authorization, NOW)).toEqual({
      ok: true,
      value: authorization,
    });
  });

  it.each([
    ['to', AGENT, 'recipient_mismatch', PAY_TO],
    ['value', 19_999n, 'value_mismatch', '20000'],
    ['value', 20_001n, 'value_mismatch', '20000'],
    ['from', ZERO_ADDRESS, 'wrong_payer', 'a nonzero address'],
    ['validAfter', now, 'not_yet_valid', `< ${NOW}`],
    ['validBefore', now + 3661n, 'valid_too_long', `<= ${NOW + 3660}`],
    ['validBefore', now + 6n, 'expired', `> ${NOW + 6}`],
  ] as const)('rejects another %s: %s', (field, value, tag, expected) => {
    expect(checkAuthorization(price, { ...authorization, [field]: value }, NOW)).toEqual({
      ok: false,
      error: {
        reason: tag,
        field: `payload.authorization.${field}`,
        expected,
        got: value.toString(),
      },
    });
  });

  it.each([
    ['validAfter', now - 1n, 'ok'],
    ['validAfter', now, 'not_yet_valid'],
    ['validAfter', now + 1n, 'not_yet_valid'],
    ['validBefore', now + 5n, 'expired'],
    ['validBefore', now + 6n, 'expired'],
    ['validBefore', now + 7n, 'ok'],
    ['validBefore', now + 3659n, 'ok'],
    ['validBefore', now + 3660n, 'ok'],
    ['validBefore', now + 3661n, 'valid_too_long'],
    ['validBefore', (1n << 256n) - 1n, 'valid_too_long'],
    ['validBefore', 0n, 'expired'],
  ] as const)('with %s = %d returns %s', (field, value, expected) => {
    expect(reason({ [field]: value })).toBe(expected);
  });

  it('bounds an upfront payment by its own timeout', () => {
    const upfront = requirement(BASE_SEPOLIA, 20_000n, 300);
    const at = (validBefore: bigint) =>
      checkAuthorization(upfront, { ...authorization, validBefore }, NOW).ok;
    expect([at(now + 360n), at(now + 361n)]).toEqual([true, false]);
  });

  it('reports any other fault before expiry, because an expired proof may look up its call', () => {
    const expired = { validBefore: now };
    expect(reason({ ...expired, value: 1n })).toBe('value_mismatch');
    expect(reason({ ...expired, to: AGENT })).toBe('recipient_mismatch');
    expect(reason({ ...expired, validAfter: now })).toBe('not_yet_valid');
    expect(reason(expired)).toBe('expired');
  });
});
