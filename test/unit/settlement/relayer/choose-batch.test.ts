import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chooseBatch,
  chooseSuspects,
  dueAt,
  NEAR,
  type Pending,
} from '../../../../src/settlement/relayer/pending.ts';
import { NOW, pendingOf } from './people.ts';

const rules = { batch: 10, wait: 2 };
const many = (
  count: number,
  changes: (id: number) => Parameters<typeof pendingOf>[1] = () => ({}),
) => Array.from({ length: count }, (_, id) => pendingOf(id + 1, changes(id)));

describe('a batch is due', () => {
  test('not before its time', () => {
    expect(chooseBatch(many(9), rules, NOW)).toEqual([]);
    expect(chooseBatch(many(9), rules, NOW + 1)).toEqual([]);
    expect(dueAt(many(9), rules)).toBe(NOW + 2);
    expect(chooseBatch([], rules, NOW)).toEqual([]);
    expect(dueAt([], rules)).toBeUndefined();
  });

  test('when it is full', () => {
    expect(chooseBatch(many(12), rules, NOW)).toHaveLength(10);
  });

  test('when the oldest payment has waited', () => {
    const waiting = [...many(3), pendingOf(9, { at: NOW - 2 })];
    expect(chooseBatch(waiting, rules, NOW)).toHaveLength(4);
  });

  test('when a request waits', () => {
    expect(chooseBatch([...many(3), pendingOf(9, { urgent: true })], rules, NOW)).toHaveLength(4);
  });

  test('when a deadline is near', () => {
    const near = pendingOf(9, { validBefore: NOW + NEAR });
    expect(chooseBatch([...many(3), near], rules, NOW)[0]).toBe(near);
    expect(
      chooseBatch([...many(3), pendingOf(9, { validBefore: NOW + NEAR + 1 })], rules, NOW),
    ).toEqual([]);
  });
});

describe('the chosen payments', () => {
  test('are those with the earliest deadlines', () => {
    const waiting = many(20, (id) => ({ payer: id + 1, validBefore: NOW + 3_600 - id }));
    const chosen = chooseBatch(waiting, rules, NOW);
    expect(chosen).toEqual(waiting.slice(10).toReversed());
  });

  test('give each payer a share, whatever deadlines it chooses', () => {
    const greedy = many(50, () => ({ payer: 1, validBefore: NOW + 200 }));
    const others = [
      pendingOf(91, { payer: 2 }),
      pendingOf(92, { payer: 3 }),
      pendingOf(93, { payer: 3 }),
    ];
    const chosen = chooseBatch([...greedy, ...others], rules, NOW);
    expect(chosen).toHaveLength(10);
    expect(chosen).toEqual(expect.arrayContaining(others));
  });

  test('keep failed payments apart, first among few, then alone', () => {
    const waiting = [
      ...many(30),
      ...Array.from({ length: 30 }, (_, id) => pendingOf(100 + id, { strikes: 1 })),
      pendingOf(200, { strikes: 2, validBefore: NOW + 10 }),
      pendingOf(201, { strikes: 2 }),
    ];
    expect(
      chooseBatch(waiting, { batch: 100, wait: 0 }, NOW).map(({ strikes }) => strikes),
    ).toEqual(Array.from({ length: 30 }, () => 0));
    expect(chooseSuspects(waiting, rules).map(({ call }) => Number(call))).toEqual([200]);
    const few = chooseSuspects(
      waiting.filter(({ strikes }) => strikes < 2),
      { batch: 100, wait: 0 },
    );
    expect(few.map(({ strikes }) => strikes)).toEqual(Array.from({ length: 10 }, () => 1));
  });
});

describe('for any waiting payments', () => {
  const anyPending = fc
    .uniqueArray(
      fc.record({
        id: fc.integer({ min: 1, max: 10_000 }),
        payer: fc.integer({ min: 1, max: 12 }),
        validBefore: fc.integer({ min: NOW - 10, max: NOW + 4_000 }),
        at: fc.integer({ min: NOW - 100, max: NOW }),
        urgent: fc.boolean(),
        strikes: fc.integer({ min: 0, max: 3 }),
      }),
      { selector: ({ id }) => id, maxLength: 300 },
    )
    .map((list) => list.map(({ id, ...changes }) => pendingOf(id, changes)));
  const anyRules = fc.record({
    batch: fc.integer({ min: 1, max: 100 }),
    wait: fc.integer({ min: 0, max: 60 }),
  });
  const payersIn = (of: readonly Pending[]) =>
    Map.groupBy(of, ({ authorization }) => authorization.from);

  test('a batch contains waiting payments only, each once, and no more than its limit', () => {
    fc.assert(
      fc.property(anyPending, anyRules, (waiting, anyRule) => {
        for (const chosen of [
          chooseBatch(waiting, anyRule, NOW),
          chooseSuspects(waiting, anyRule),
        ]) {
          expect(new Set(chosen).size).toBe(chosen.length);
          expect(chosen.every((one) => waiting.includes(one))).toBe(true);
          expect(chosen.length).toBeLessThanOrEqual(anyRule.batch);
          expect(new Set(chosen.map(({ strikes }) => strikes)).size).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('no payer has two payments more than a payer that is left waiting', () => {
    fc.assert(
      fc.property(anyPending, anyRules, (waiting, anyRule) => {
        const chosen = chooseBatch(waiting, anyRule, NOW);
        if (chosen.length === 0) return;
        const clean = waiting.filter(({ strikes }) => strikes === 0);
        const left = payersIn(clean.filter((one) => !chosen.includes(one)));
        const most = Math.max(...[...payersIn(chosen).values()].map((of) => of.length));
        for (const payer of left.keys()) {
          expect(most - (payersIn(chosen).get(payer)?.length ?? 0)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('the earlier deadline of one payer comes first', () => {
    fc.assert(
      fc.property(anyPending, anyRules, (waiting, anyRule) => {
        const chosen = chooseBatch(waiting, anyRule, NOW);
        if (chosen.length === 0) return;
        const left = waiting.filter((one) => one.strikes === 0 && !chosen.includes(one));
        for (const one of chosen) {
          for (const other of left) {
            if (other.authorization.from !== one.authorization.from) continue;
            expect(other.authorization.validBefore).toBeGreaterThanOrEqual(
              one.authorization.validBefore,
            );
          }
        }
      }),
    );
  });

  test('a batch is as full as possible, and due exactly at its time', () => {
    fc.assert(
      fc.property(anyPending, anyRules, (waiting, anyRule) => {
        const clean = waiting.filter(({ strikes }) => strikes === 0);
        const chosen = chooseBatch(waiting, anyRule, NOW);
        const at = dueAt(clean, anyRule);
        const expected = at !== undefined && at <= NOW ? Math.min(clean.length, anyRule.batch) : 0;
        expect(chosen).toHaveLength(expected);
      }),
    );
  });
});
