import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { runs } from '../../support/runs.ts';

/** Keys that JavaScript lists in an order other than written, or that JSON.parse treats specially. */
const key = fc.oneof(
  fc.constantFrom('', '0', '10', '9', '01', '-1', '4294967295', '__proto__', 'toJSON', 'z', 'Z'),
  fc.string({ maxLength: 4 }),
  fc.string({ unit: 'binary', maxLength: 4 }),
  // Includes lone surrogates.
  fc.array(fc.nat({ max: 0xffff }), { maxLength: 3 }).map((codes) => String.fromCharCode(...codes)),
);

const leaf = fc.oneof(
  key,
  fc.constantFrom<unknown>(null, true, false, undefined, new Date(0)),
  fc.integer(),
  fc.double(),
);

const { value: anything } = fc.letrec<{ readonly value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5 }),
  ),
}));

/** The written text, or the fact that there is none. */
const outcome = (write: () => string | undefined): unknown => {
  try {
    return { text: write() };
  } catch {
    return 'threw';
  }
};

describe('canonicalJson', () => {
  it('writes what the library writes, and throws where it throws', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(anything, (value) => {
        if (value === undefined) return;
        expect(outcome(() => canonicalJson(value))).toEqual(outcome(() => canonicalize(value)));
      }),
      { numRuns: runs(30_000) },
    );
  });

  it.each([
    ['keys in the sequence of their UTF-16 code units', { b: 1, '\u20ac': 2, a: [{ d: 1, c: 2 }] }],
    ['keys that are array indices', { '10': 1, '9': 2, a: 3 }],
    ['a member __proto__', JSON.parse('{"__proto__":{"b":1},"a":2}') as unknown],
    ['members without a value', { a: undefined, b: [undefined] }],
    ['zero below zero', [-0]],
    ['text that JSON escapes', '\u2028 " \\ \u0000 \u007f 🦀'],
    ['a date', { at: new Date(0) }],
  ])('writes %s', (_, value) => {
    expect(canonicalJson(value)).toBe(canonicalize(value));
  });

  it.each([['\ud800'], [{ '\udc00': 1 }], [{ a: ['\udc00x'] }], [Number.NaN], [[Infinity]]])(
    'throws for %j',
    (value) => {
      expect(() => canonicalJson(value)).toThrow('not allowed');
    },
  );
});
