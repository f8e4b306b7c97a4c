import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writtenForms } from '../../dev/written-forms.ts';
import { lowerAscii } from '../../src/vault/forms.ts';
import type { Guarded } from '../../src/vault/automaton.ts';
import { openScrubber } from '../../src/vault/scrubber.ts';
import { MARK } from '../../src/vault/secret.ts';
import { ENCODERS } from '../support/encoders.ts';
import { runsOf } from './runs.ts';

const encoder = new TextEncoder();
/** Bytes as text with one character per byte, which compares and searches any bytes. */
const binary = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const folded = (bytes: Uint8Array): string => lowerAscii(binary(bytes));

const scrub = (guarded: readonly Guarded[], chunks: readonly Uint8Array[]): Uint8Array => {
  const { push, end } = openScrubber(guarded, () => undefined).body();
  return Buffer.concat([...chunks.map((chunk) => Uint8Array.from(push(chunk))), end()]);
};

/** Cuts bytes into chunks of the given sizes, which repeat. */
const cut = (bytes: Uint8Array, sizes: readonly number[]): readonly Uint8Array[] => {
  const chunks: Uint8Array[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
};

const isSecret = (text: string): boolean => {
  const bytes = encoder.encode(text);
  return (
    bytes.length >= 8 &&
    bytes.length <= 4_096 &&
    new Set(bytes).size >= 6 &&
    !/[[\]]/.test(text) &&
    text.isWellFormed()
  );
};

const secret = fc
  .oneof(
    { weight: 3, arbitrary: fc.string({ minLength: 8, maxLength: 80, unit: 'grapheme' }) },
    { weight: 3, arbitrary: fc.base64String({ minLength: 8, maxLength: 200 }) },
    {
      weight: 2,
      arbitrary: fc.string({
        minLength: 8,
        maxLength: 64,
        unit: fc.constantFrom(...'aAbB01+/=%&"\'<>\\\n ü'),
      }),
    },
    { weight: 1, arbitrary: fc.string({ minLength: 900, maxLength: 4_096 }) },
  )
  .filter(isSecret);

/** The surroundings of a match: bytes, and starts and ends of forms, which almost match. */
const neighbours = (forms: readonly string[]) =>
  fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .constantFrom(...forms)
      .chain((form) =>
        fc.nat(Math.max(0, form.length - 1)).map((length) => encoder.encode(form.slice(0, length))),
      ),
  );

const sizes = fc.array(fc.integer({ min: 1, max: 5_000 }), { minLength: 1, maxLength: 6 });

test('removes every form of every secret, in any chunks, and changes no other byte', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(secret, { minLength: 1, maxLength: 2 }).chain((secrets) => {
        const forms = secrets.flatMap(writtenForms);
        const part = fc.tuple(neighbours(forms), fc.nat(forms.length - 1), fc.boolean());
        return fc.tuple(
          fc.constant(secrets),
          fc.array(part, { maxLength: 5 }),
          neighbours(forms),
          sizes,
        );
      }),
      ([secrets, parts, last, cuts]) => {
        const forms = secrets.flatMap(writtenForms);
        const body = Buffer.concat([
          ...parts.flatMap(([before, index, upper]) => {
            const form = forms[index] ?? '';
            const shown = upper ? form.replace(/[a-z]/g, (letter) => letter.toUpperCase()) : form;
            return [before, encoder.encode(shown)];
          }),
          last,
        ]);
        const guarded = secrets.map((text, index) => ({ name: `s${index}`, text }));
        const output = scrub(guarded, cut(body, cuts));

        const shown = folded(output);
        for (const form of forms) expect(shown.includes(binary(encoder.encode(form)))).toBe(false);
        // The output must not depend on the cuts.
        expect(binary(output)).toBe(binary(scrub(guarded, [body])));
        // Without its marks, the output must be the body with some ranges removed.
        let at = 0;
        const whole = binary(body);
        for (const kept of binary(output).split(/\[secret:s[01]\]/)) {
          const found = whole.indexOf(kept, at);
          expect(found).toBeGreaterThanOrEqual(at);
          at = found + kept.length;
        }
      },
    ),
    { numRuns: runsOf(3_000) },
  );
});

test('removes a secret from JSON strings, whatever letters are escaped', () => {
  fc.assert(
    fc.property(
      secret.filter((text) => text.length <= 300),
      fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
      sizes,
      (text, escapes, cuts) => {
        const written = [...text]
          .map((unit, index) =>
            escapes[index % escapes.length] === true
              ? unit
                  .split('')
                  .map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`)
                  .join('')
              : JSON.stringify(unit).slice(1, -1),
          )
          .join('');
        const body = `{"echo":"x${written}y","n":1}`;
        const output = Buffer.from(
          scrub([{ name: 's', text }], cut(encoder.encode(body), cuts)),
        ).toString();
        expect(JSON.parse(output)).toEqual({ echo: `x${MARK}s]y`, n: 1 });
      },
    ),
    { numRuns: runsOf(2_000) },
  );
});

/** Texts that may combine with the first bytes after them, if a reader decodes only one kind of escape. */
const OPENINGS = [
  '',
  'x',
  '%',
  '%4',
  '\\',
  '\\u00',
  '\\u004',
  '\\x',
  '&',
  '&#',
  '&#x',
  '&am',
  '\\u0026#',
];

test.each(Object.entries(ENCODERS))('removes what %s wrote, cut at any byte', (_, encode) => {
  const keys = ['ab/cd+ef==', 'p_w 1\'d"<>&%41\\n=/', 'A_b/c=d+e&f"ü', '4_1=/&amp;%2F\\u0041x'];
  const echo = fc.tuple(
    fc.oneof(fc.constantFrom(...keys), secret).filter((text) => text.length <= 300),
    fc.constantFrom(...OPENINGS),
  );
  fc.assert(
    fc.property(echo, sizes, ([text, before], cuts) => {
      const written = encode(text);
      const body = encoder.encode(`<${before}${written}>`);
      for (const pieces of [cut(body, cuts), cut(body, [1])]) {
        const shown = Buffer.from(scrub([{ name: 's', text }], pieces)).toString();
        // The scrubber may also remove the part of the opening that belongs to one reading, and may leave padding.
        expect(`<${before}`.startsWith(shown.slice(0, shown.indexOf(MARK)))).toBe(true);
        expect(shown.slice(shown.indexOf(MARK))).toMatch(/^\[secret:s\]=*>$/);
      }
    }),
    { numRuns: runsOf(200), examples: keys.map((text) => [[text, ''], [7]]) },
  );
});

test('passes a body without a secret byte for byte', () => {
  fc.assert(
    fc.property(secret, fc.uint8Array({ maxLength: 3_000 }), sizes, (text, body, cuts) => {
      fc.pre(
        !writtenForms(text).some((form) => folded(body).includes(binary(encoder.encode(form)))),
      );
      expect(binary(scrub([{ name: 's', text }], cut(body, cuts)))).toBe(binary(body));
    }),
    { numRuns: runsOf(1_000) },
  );
});
