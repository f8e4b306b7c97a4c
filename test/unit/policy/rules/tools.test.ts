import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coversPatterns, matchesTool } from '../../../../src/policy/rules/tools.ts';

/** Ids of few letters, so that prefixes coincide. */
const id = fc
  .array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('.'));
const pattern = fc.oneof(
  id,
  id.map((prefix) => `${prefix}.*`),
  fc.constant('*'),
);
const patterns = fc.array(pattern, { maxLength: 4 });

describe('tool patterns', () => {
  test.each([
    ['pay', 'pay', true],
    ['pay', 'pay.card', false],
    ['pay.*', 'pay.card', true],
    ['pay.*', 'pay.card.visa', true],
    ['pay.*', 'pay', false],
    ['pay.*', 'payroll', false],
    ['pay.*', 'pay-card', false],
    ['*', 'anything', true],
    ['Pay', 'pay', false],
  ])('%s and the tool %s', (one, tool, expected) => {
    expect(matchesTool([one], tool)).toBe(expected);
  });

  test('an empty list matches no tool', () => {
    expect(matchesTool([], 'pay')).toBe(false);
    expect(coversPatterns([], [])).toBe(true);
    expect(coversPatterns([], ['pay'])).toBe(false);
  });

  test('no list of narrower patterns covers a wildcard', () => {
    expect(coversPatterns(['a.*', 'b.*', 'a', 'b'], ['*'])).toBe(false);
    expect(coversPatterns(['a.b.*'], ['a.*'])).toBe(false);
    expect(coversPatterns(['a.*'], ['a.*', 'a.b.*', 'a.b'])).toBe(true);
    expect(coversPatterns(['a.*'], ['a'])).toBe(false);
  });

  test('a parent matches everything that a covered child matches', () => {
    fc.assert(
      fc.property(patterns, patterns, id, (parent, child, tool) => {
        fc.pre(coversPatterns(parent, child) && matchesTool(child, tool));
        return matchesTool(parent, tool);
      }),
      { numRuns: 2_000 },
    );
  });

  test('covering is reflexive and transitive', () => {
    fc.assert(
      fc.property(patterns, patterns, patterns, (one, two, three) => {
        expect(coversPatterns(one, one)).toBe(true);
        if (coversPatterns(one, two) && coversPatterns(two, three)) {
          expect(coversPatterns(one, three)).toBe(true);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
