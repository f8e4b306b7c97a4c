import type { CallRecord } from '../../../../durable-objects/account/call/call-record.ts';
import { openWholeCalls } from '../../../../durable-objects/account/call/whole-calls.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { describe, expect, it } from 'vitest';

const idOf = (number: number): Hex => `0x${number.toString(16).padStart(64, '0')}`;

/** An open call whose answer has this length. The cache reads nothing else of a record. */
const callOf = (number: number, changes: Partial<CallRecord> & { characters?: number } = {}) => {
  const { characters = 10, ...rest } = changes;
  return {
    id: idOf(number),
    state: 'held',
    payment: 'held',
    paidBy: 'deferred',
    onSilence: 'release',
    entries: [],
    answer: { status: 200, headers: {}, body: 'x'.repeat(characters) },
    ...rest,
  } as unknown as CallRecord;
};

describe('the cache of whole calls', () => {
  it('returns the same record objects as written last', () => {
    const whole = openWholeCalls();
    const [first, second] = [callOf(1), callOf(1, { state: 'committed', payment: 'queued' })];
    whole.keep(first);
    expect(whole.load(idOf(1))).toBe(first);
    whole.keep(second);
    expect(whole.load(idOf(1))).toBe(second);
    expect(whole.load(idOf(2))).toBeUndefined();
  });

  it('never keeps a call that may be pruned', () => {
    const whole = openWholeCalls();
    whole.keep(callOf(1));
    whole.keep(callOf(1, { state: 'committed', payment: 'settled' }));
    whole.keep(callOf(2, { state: 'released', payment: 'none' }));
    expect([whole.load(idOf(1)), whole.load(idOf(2))]).toEqual([undefined, undefined]);
  });

  it('evicts the oldest calls above its size, and does not keep a call larger than its size', () => {
    const whole = openWholeCalls(100);
    for (const number of [1, 2, 3]) whole.keep(callOf(number, { characters: 40 }));
    expect([1, 2, 3].map((number) => whole.load(idOf(number)) !== undefined)).toEqual([
      false,
      true,
      true,
    ]);
    // A second write makes the call the newest and frees its former size.
    whole.keep(callOf(2, { characters: 50 }));
    whole.keep(callOf(4, { characters: 50 }));
    expect([2, 3, 4].map((number) => whole.load(idOf(number)) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    whole.keep(callOf(5, { characters: 101 }));
    expect([2, 4, 5].map((number) => whole.load(idOf(number)) !== undefined)).toEqual([
      true,
      true,
      false,
    ]);
  });
});
