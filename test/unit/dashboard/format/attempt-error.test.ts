import { expect, it } from 'vitest';
import { attemptError } from '../../../../src/dashboard/format/attempt-error.ts';

it.each([
  ['chain_unreadable', 'no node of the network answered'],
  ['status_503', 'the backend answered with status 503'],
  // A facilitator may choose its reasons freely.
  ['invalid_exact_evm_signature', 'invalid exact evm signature'],
  ['odd\u202e_reason', 'odd reason'],
])('names the error %s in words', (error, text) => {
  expect(attemptError(error)).toBe(text);
});
