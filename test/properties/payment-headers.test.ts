import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeBase64, utf8 } from '../../src/crypto/bytes.ts';
import { parsePaymentSignature, parseXPayment } from '../../src/protocol/x402/payment-payload.ts';
import { changed, header, leaves, payload1, payload2 } from '../unit/protocol/x402/fixture.ts';
import { parseCarefully, parseStrictJson } from '../../src/protocol/strict-json.ts';

/** Runs for each of four kinds of headers, 100,000 in all. */
const RUNS = 25_000;
const TIMEOUT = 180_000;

const PARSERS = [
  { parse: parsePaymentSignature, root: 'PAYMENT-SIGNATURE', valid: payload2() },
  { parse: parseXPayment, root: 'X-PAYMENT', valid: payload1() },
] as const;

/** Checks that parsing never throws: it returns a payload, or a fault with a field and a hint. @returns how many were valid */
const total = (text: string): number => {
  let proofs = 0;
  for (const { parse, root } of PARSERS) {
    const result = parse(text);
    if (result.ok) {
      proofs += 1;
      continue;
    }
    if (!result.error.field.startsWith(root)) throw new Error(`no field: ${result.error.field}`);
    if (result.error.hint === '') throw new Error('no hint');
  }
  return proofs;
};

const count = (texts: fc.Arbitrary<string>): number => {
  let proofs = 0;
  fc.assert(
    fc.property(texts, (text) => {
      proofs += total(text);
    }),
    { numRuns: RUNS },
  );
  return proofs;
};

const valid = PARSERS.map(({ valid: each }) => each);
const values = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1e308, '', '0', '0x', '\ud800', '__proto__', [], {}, [[]]),
  fc.string({ maxLength: 8 }),
  fc.bigInt({ min: 0n, max: 1n << 257n }).map(String),
);

describe('fuzzed payment headers', () => {
  it('reject random text', { timeout: TIMEOUT }, () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 120 }),
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.base64String({ maxLength: 160 }),
    );
    expect(count(texts)).toBe(0);
  });

  it('reject random JSON', { timeout: TIMEOUT }, () => {
    const json = fc.oneof(
      fc.json({ depthSize: 'small' }),
      fc
        .record({ x402Version: fc.constantFrom(1, 2), payload: values, accepted: values })
        .map((value) => JSON.stringify(value)),
    );
    expect(count(json.map((text) => encodeBase64(utf8(text))))).toBe(0);
  });

  it('never throw for a payment with one changed value', { timeout: TIMEOUT }, () => {
    const texts = fc
      .constantFrom(...valid)
      .chain((value) =>
        fc
          .tuple(fc.constantFrom(...leaves(value)), values)
          .map(([path, to]) => header(changed(value, path, to))),
      );
    // Some headers stay valid, e.g. with another amount. The parser must return a result for each.
    expect(count(texts)).toBeGreaterThan(0);
  });

  it('never throw for a payment with changed, missing or added bytes', { timeout: TIMEOUT }, () => {
    const texts = fc
      .tuple(
        fc.constantFrom(...valid.map((value) => JSON.stringify(value))),
        fc.nat(),
        fc.nat({ max: 3 }),
        fc.string({ maxLength: 3 }),
      )
      .map(([text, at, drop, add]) => {
        const cut = at % text.length;
        return encodeBase64(utf8(text.slice(0, cut) + add + text.slice(cut + drop)));
      });
    expect(count(texts)).toBeGreaterThan(0);
  });
});

/** Values as text that two parsers read differently, or that a parser writes in another form. */
const VALUES = [
  ...[
    'null',
    '0',
    '-0',
    '1.0',
    '1e2',
    '1E400',
    '""',
    '"a"',
    '[]',
    '{}',
    ' 0',
    '0\n',
    '"é"',
    '"\u2028"',
  ],
  ...[
    '"\\u0061"',
    '"\\n"',
    '"\\ud800"',
    '"\\ud83c\\udf89"',
    '"\ud800"',
    '"\\x"',
    '"',
    '01',
    '+1',
    'NaN',
  ],
  ...['{"a":1,"a":1}', '{"a":1,"\\u0061":1}', '{"b":1,"a":2}', '{"1":0,"0":1}', '{"0":0,"1":1}'],
  ...[
    '{"__proto__":1}',
    '{"__proto__":null,"a":1}',
    '{"\\u005f_proto__":1}',
    '{"toJSON":1}',
    '{"\ud800":1}',
  ],
];
const dangerous = fc
  .tuple(
    fc.array(fc.constantFrom(...VALUES), { maxLength: 3 }),
    // Mostly near the sixteenth level of nesting, at which the strict parser stops.
    fc.oneof(fc.nat({ max: 2 }), fc.integer({ min: 14, max: 18 })),
    fc.oneof(fc.constant(0), fc.nat({ max: 3 })),
    fc.constantFrom(0, 0, 0, 1, -1),
  )
  .map(([list, arrays, objects, more]) =>
    [
      '['.repeat(arrays),
      '{"k":'.repeat(objects),
      objects === 0 && arrays > 0 ? list.join(',') : (list[0] ?? '0'),
      '}'.repeat(objects),
      ']'.repeat(Math.max(0, arrays + more)),
    ].join(''),
  );

describe('the fast reader of JSON and the careful one', () => {
  const changedText = fc
    .tuple(
      fc.constantFrom(...valid.map((value) => JSON.stringify(value))),
      fc.nat(),
      fc.nat({ max: 3 }),
      fc.oneof(fc.constantFrom(...VALUES), fc.string({ maxLength: 3 })),
    )
    .map(([text, at, drop, add]) => {
      const cut = at % text.length;
      return text.slice(0, cut) + add + text.slice(cut + drop);
    });

  it.each([
    ['values that hide something, in up to 21 levels', dangerous],
    ['random JSON', fc.json({ depthSize: 'small', stringUnit: 'binary' })],
    ['random JSON in lines', fc.jsonValue().map((value) => JSON.stringify(value, undefined, 1))],
    ['a changed payment', changedText],
  ])('agree on %s', { timeout: TIMEOUT }, (_, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        expect(parseStrictJson(text)).toStrictEqual(parseCarefully(text));
      }),
      { numRuns: RUNS },
    );
  });
});
