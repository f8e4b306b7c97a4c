import { secp256k1 } from '@noble/curves/secp256k1.js';
import { hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derOf, signDer } from '../../../../dev/stack/fake-kms-key.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { bytesOf, hexOf } from '../../../../src/crypto/bytes.ts';
import { verifyStrict } from '../../../../src/crypto/verifier.ts';
import {
  readDerSignature,
  toEthereumSignature,
} from '../../../../src/signer/backends/der-signature.ts';
import { addressOf, DIGEST, keyOf } from './key.ts';

const { ORDER } = secp256k1.Point.Fn;
const KEY = keyOf('a key');
const scalar = fc.bigInt({ min: 1n, max: ORDER - 1n });

describe('a signature in DER', () => {
  it('is read whatever its numbers are', () => {
    fc.assert(
      fc.property(scalar, scalar, (r, s) => {
        expect(readDerSignature(derOf(r, s))).toEqual({ r, s });
      }),
    );
    for (const value of [1n, 0x7fn, 0x80n, 0xffn, 1n << 248n, ORDER - 1n]) {
      expect(readDerSignature(derOf(value, value))).toEqual({ r: value, s: value });
    }
  });

  it('has one encoding: no bytes with a changed, added or removed byte read as the same numbers', () => {
    fc.assert(
      fc.property(
        ...([
          scalar,
          scalar,
          fc.nat(80),
          fc.nat(255),
          fc.constantFrom('set', 'insert', 'remove'),
        ] as const),
        (r, s, at, byte, how) => {
          const der = [...derOf(r, s)];
          const place = at % der.length;
          if (how === 'set') der[place] = byte;
          else der.splice(place, how === 'remove' ? 1 : 0, ...(how === 'insert' ? [byte] : []));
          const read = readDerSignature(Uint8Array.from(der));
          // The parser accepts only what an encoder would write.
          if (read !== undefined) expect([...derOf(read.r, read.s)]).toEqual(der);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['a trailing byte', '300702010102010100'],
    ['a trailing byte within its length', '3007020101020101ff'],
    ['a length that is longer than the bytes', '3007020101020101'],
    ['a long form of the length', '308106020101020101'],
    ['a long form of the length of a number', '30080281010102810101'],
    ['an indefinite length', '30800201010201010000'],
    ['a negative r', '3006020181020101'],
    ['a negative s', '3006020101020181'],
    ['a needless zero before r', '300702020001020101'],
    ['a needless zero before s', '300702010102020001'],
    ['r = 0', '3006020100020101'],
    ['s = 0', '3006020101020100'],
    ['an empty number', '30050200020101'],
    ['one number', '3003020101'],
    ['three numbers', '3009020101020101020101'],
    ['a number that ends behind the signature', '3006020101020201'],
    ['another tag than SEQUENCE', '3106020101020101'],
    ['another tag than INTEGER', '3006030101020101'],
    ['no bytes', ''],
  ])('is refused with %s', (_, der) => {
    expect(readDerSignature(hexToBytes(der))).toBeUndefined();
  });

  it.each([
    ['r', derOf(ORDER, 1n)],
    ['s', derOf(1n, ORDER)],
    ['r of 33 bytes', derOf(1n << 256n, 1n)],
  ])('is refused with %s beyond the order of the group', (_, der) => {
    expect(readDerSignature(der)).toBeUndefined();
  });
});

describe('the signature for Ethereum', () => {
  const shapes = [true, false].flatMap((isHigh) =>
    ([undefined, 'r', 's'] as const).map((short) => ({ isHigh, short })),
  );

  it.each(shapes)('recovers to the key from any form: %o', (shape) => {
    const seen = new Set<string>();
    for (let byte = 1; byte <= 12; byte += 1) {
      const digest: Hex = `0x${byte.toString(16).padStart(2, '0').repeat(32)}`;
      const der = signDer(KEY, bytesOf(digest), shape);
      const signature = toEthereumSignature(der, digest, addressOf(KEY));
      if (!signature.ok) throw new Error(JSON.stringify(signature.error));
      expect(verifyStrict(addressOf(KEY), digest, signature.value).ok).toBe(true);
      seen.add(signature.value.slice(-2));
    }
    // One in 2,048 runs would see only one of the two values.
    expect([...seen].toSorted()).toEqual(['1b', '1c']);
  });

  it('is a mismatch for another key and for another digest', () => {
    const der = signDer(KEY, bytesOf(DIGEST), { isHigh: false, short: undefined });
    const other = addressOf(keyOf('another key', 0x22));
    const mismatch = { ok: false, error: { kind: 'mismatch', detail: 'signature' } };
    expect(toEthereumSignature(der, DIGEST, other)).toEqual(mismatch);
    expect(toEthereumSignature(der, hexOf(new Uint8Array(32).fill(8)), addressOf(KEY))).toEqual(
      mismatch,
    );
  });

  it('does not exist for bytes that are no signature', () => {
    expect(toEthereumSignature(undefined, DIGEST, addressOf(KEY)).ok).toBe(false);
    expect(toEthereumSignature(new Uint8Array(72), DIGEST, addressOf(KEY))).toEqual({
      ok: false,
      error: { kind: 'unavailable', detail: 'signature' },
    });
  });
});
