import { expect, test } from 'vitest';
import { type LiveCall, settleAt } from '../../../../durable-objects/account/call/open-calls.ts';

const NOW = 1_000_000_000;

/** A queued payment whose authorization ends after some seconds. */
const sentCall = (sends: number, seconds: number): LiveCall => ({
  record: { payment: 'queued', held: {}, validBefore: NOW + seconds } as LiveCall['record'],
  sentAt: sends === 0 ? 0 : NOW,
  sends,
});

test.for([
  ['a new payment at once', 0, 3_600, 0],
  ['a payment that a backend has stored, after a minute', 1, 3_600, NOW + 60],
  ['an authorization without an end, after a minute', 1, 2 ** 40, NOW + 60],
  ['a payment that ends soon, while another backend has time', 1, 80, NOW + 40],
  ['a payment that ends at once, after fifteen seconds', 1, 10, NOW + 15],
  ['a payment that was sent three times, after a minute', 3, 3_600, NOW + 60],
  ['a payment that was sent often, after five minutes', 9, 3_600, NOW + 300],
] as const)('sends %s', ([, sends, seconds, at]) => {
  expect(settleAt(sentCall(sends, seconds))).toBe(at);
});
