import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openDueTimes } from '../../../durable-objects/store/due-times.ts';

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      key: fc.nat(20),
      at: fc.option(fc.nat(100), { nil: undefined, freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ take: fc.nat(100) }) },
);

test('due times are those of a plain map, however often they change', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const due = openDueTimes<number>();
      const plain = new Map<number, number>();
      for (const each of steps) {
        if ('take' in each) {
          const taken = due.take(each.take);
          const expected = [...plain].filter(([, at]) => at <= each.take);
          expect(new Set(taken)).toEqual(new Set(expected.map(([key]) => key)));
          expect(taken).toHaveLength(expected.length);
          for (const key of taken) plain.delete(key);
        } else {
          due.set(each.key, each.at);
          if (each.at === undefined) plain.delete(each.key);
          else plain.set(each.key, each.at);
        }
        expect(due.earliest()).toBe(plain.size === 0 ? undefined : Math.min(...plain.values()));
      }
    }),
  );
});
