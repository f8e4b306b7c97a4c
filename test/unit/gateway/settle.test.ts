import { expect, it } from 'vitest';
import { problemOf } from '../../../src/protocol/problem/problem-members.ts';
import { failureOf } from '../../../src/gateway/settle.ts';

it.each<[string, Parameters<typeof failureOf>[0], number, RegExp]>([
  [
    'was spent otherwise',
    { outcome: 'failed', fault: 'payer', reason: 'spent_otherwise' },
    403,
    /its nonce was spent or cancelled on the chain, or the account does not cover it/,
  ],
  [
    'failed through the gateway',
    { outcome: 'failed', fault: 'gateway', reason: 'not_presented' },
    503,
    /ended before the payment settled/,
  ],
  // The chain shows no fault of the payer's: the authorization only ran out.
  ['is unused after its time', { outcome: 'released' }, 503, /ended before the payment settled/],
])('a payment that %s is told so', (_, settled, status, detail) => {
  const { members } = problemOf(failureOf(settled));
  expect(members.status).toBe(status);
  expect(members.detail).toMatch(detail);
});
