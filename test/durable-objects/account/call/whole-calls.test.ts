import type { CallRecord } from '../../../../durable-objects/account/call/call-record.ts';
import {
  openCallLimit,
  openWholeCalls,
} from '../../../../durable-objects/account/call/whole-calls.ts';
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
    const whole = openWholeCalls(openCallLimit(100));
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

  it('evicts the oldest calls of whichever account above the size of all', () => {
    const limit = openCallLimit(100);
    const [one, other] = [openWholeCalls(limit), openWholeCalls(limit)];
    one.keep(callOf(1, { characters: 40 }));
    other.keep(callOf(1, { characters: 40 }));
    one.keep(callOf(2, { characters: 40 }));
    expect(one.load(idOf(1))).toBeUndefined();
    expect([one.load(idOf(2)), other.load(idOf(1))]).not.toContain(undefined);
    other.keep(callOf(1, { state: 'committed', payment: 'settled' }));
    expect([limit.characters, limit.kept.size]).toEqual([40, 1]);
  });

  it('shows an account nothing that another instance of it has kept', () => {
    const limit = openCallLimit(100);
    const replaced = openWholeCalls(limit);
    replaced.keep(callOf(1, { characters: 60 }));
    const next = openWholeCalls(limit);
    expect(next.load(idOf(1))).toBeUndefined();
    // What the replaced instance has kept makes room for the calls of the next one.
    next.keep(callOf(1, { characters: 60, price: 7n }));
    expect(next.load(idOf(1))?.price).toBe(7n);
    expect([replaced.load(idOf(1)), limit.characters]).toEqual([undefined, 60]);
  });
});
