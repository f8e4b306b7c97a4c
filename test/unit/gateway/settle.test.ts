import { expect, it } from 'vitest';
import { failureOf } from '../../../src/gateway/settle.ts';
import { problemOf } from '../../../src/protocol/problem/reason.ts';

it.each<[string, Parameters<typeof failureOf>[0], number, RegExp]>([
  [
    'was used by another transfer',
    { outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
    403,
    /shows its nonce as used or cancelled, or the payer does not hold the amount/,
  ],
  [
    'failed through the gateway',
    { outcome: 'failed', fault: 'gateway', reason: 'not_presented' },
    503,
    /expired before the gateway could settle it/,
  ],
  // The authorization expired, which is not the payer's fault.
  [
    'is unused after validBefore',
    { outcome: 'released' },
    503,
    /expired before the gateway could settle it/,
  ],
])('a payment that %s gets that reason', (_, settled, status, detail) => {
  const { members } = problemOf(failureOf(settled));
  expect(members.status).toBe(status);
  expect(members.detail).toMatch(detail);
});
