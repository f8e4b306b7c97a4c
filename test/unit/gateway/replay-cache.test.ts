import type { Hex } from '../../../src/core/hex.ts';
import { openReplayCache } from '../../../src/gateway/replay.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import { expect, it } from 'vitest';

const account = (digit: string): AccountId => `eip155:84532:0x${digit.repeat(40)}`;
const call = (digit: string): Hex => `0x${digit.repeat(64)}`;

it('remembers a call of one account, not the same nonce of another', () => {
  const calls = openReplayCache();
  calls.add(account('1'), call('a'));
  expect(calls.has(account('1'), call('a'))).toBe(true);
  expect(calls.has(account('1'), call('b'))).toBe(false);
  expect(calls.has(account('2'), call('a'))).toBe(false);
});

it('evicts the call that was seen longest ago, and keeps one that is replayed all the time', () => {
  const calls = openReplayCache(3);
  for (const digit of ['a', 'b', 'c']) calls.add(account('1'), call(digit));
  expect(calls.has(account('1'), call('a'))).toBe(true);
  calls.add(account('1'), call('d'));
  expect(calls.has(account('1'), call('b'))).toBe(false);
  for (const digit of ['a', 'c', 'd']) {
    expect(calls.has(account('1'), call(digit)), digit).toBe(true);
  }
});

it('throttles replays of one account for a time, and of no other account', () => {
  const proofs = openReplayCache();
  proofs.throttle(account('1'), 100);
  expect([proofs.isThrottled(account('1'), 99), proofs.isThrottled(account('1'), 100)]).toEqual([
    true,
    false,
  ]);
  expect(proofs.isThrottled(account('2'), 99)).toBe(false);
});
