import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openReceiptFilter } from '../../../src/client/receipt-event.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';

const EVENT = 'event: countersign-receipt\ndata: aGVhZA.cGF5.c2ln\n\n';

/** What the filter passes of a text that arrives in chunks of these lengths, and the token at the end. */
const filtered = (text: string, lengths: readonly number[] = [text.length]) => {
  const filter = openReceiptFilter();
  const bytes = utf8(text);
  let passed = '';
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const length = Math.max(1, lengths[index % lengths.length] ?? 1);
    passed += new TextDecoder().decode(filter.write(bytes.subarray(at, at + length)));
    at += length;
  }
  const { token, rest } = filter.end();
  return { passed: passed + new TextDecoder().decode(rest), token };
};

describe('the filter of the receipt event', () => {
  it.each(['', 'data: 1\n\n', 'data: 1\r\n\r\n', 'data: 1\r\r', 'event: count\ndata: 1\n\n'])(
    'takes the last event out after %j, however it is split',
    (before) => {
      fc.assert(
        fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths) => {
          expect(filtered(before + EVENT, lengths)).toEqual({
            passed: before,
            token: 'aGVhZA.cGF5.c2ln',
          });
        }),
      );
    },
  );

  it.each([
    ['followed by bytes', `${EVENT}data: 2\n\n`],
    ['followed by one byte', `${EVENT}\n`],
    ['within an event', `data: 1\n${EVENT}`],
    ['within a line', `data: ${EVENT}`],
    ['that does not end', EVENT.slice(0, -1)],
    ['with other characters in its token', EVENT.replace('.', ' ')],
    ['with another name', EVENT.replace('receipt', 'limit')],
  ])('passes an event on unchanged %s', (_, text) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (lengths) => {
        expect(filtered(text, lengths)).toEqual({ passed: text, token: undefined });
      }),
    );
  });

  it('takes the second of two receipts out, and passes the first on', () => {
    expect(filtered(EVENT + EVENT)).toEqual({ passed: EVENT, token: 'aGVhZA.cGF5.c2ln' });
  });

  it('keeps at most one receipt of an event of any size', () => {
    const filter = openReceiptFilter();
    const chunk = new Uint8Array(65_536).fill(97);
    let passed = filter.write(utf8(EVENT.slice(0, 40))).length;
    for (let index = 0; index < 1_600; index += 1) {
      passed += filter.write(chunk).length;
      expect(passed).toBe(40 + (index + 1) * chunk.length);
    }
    expect(filter.end().token).toBeUndefined();
  });
});
