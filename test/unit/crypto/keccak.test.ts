import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { expect, test } from 'vitest';
import * as portable from '../../../src/crypto/keccak.ts';
import * as compiled from '../../../src/crypto/keccak.worker.ts';

const both = [
  ['portable', portable],
  ['compiled', compiled],
] as const;

/** Lengths around the block size of 136 bytes, and beyond the first memory pages of the module. */
const LENGTHS = [0, 1, 31, 32, 64, 66, 135, 136, 137, 224, 271, 272, 480, 4_096, 300_000, 33];

test.each(both)('%s: hashes bytes and digits of any length as noble does', (_, keccak) => {
  for (const length of LENGTHS) {
    const bytes = Uint8Array.from({ length }, (_unused, at) => (at * 131 + length) & 255);
    const expected = bytesToHex(keccak_256(bytes));
    const digits = bytesToHex(bytes);
    expect(keccak.keccakOfBytes(bytes)).toBe(expected);
    expect(keccak.keccakOfDigits(digits)).toBe(expected);
    expect(keccak.keccakOfDigits(digits.toUpperCase())).toBe(expected);
  }
});

test.each(both)('%s: hashes nothing that is not hex', (_, keccak) => {
  for (const text of [
    '0',
    '0x00',
    'gg',
    '0 ',
    '/0',
    ':0',
    '@0',
    '`0',
    'é0',
    '\u{130}0',
    '00\u0000a',
  ]) {
    expect(() => keccak.keccakOfDigits(text), text).toThrow(/./);
  }
});

test('the hash of nothing is the one of Ethereum', () => {
  expect(compiled.keccakOfDigits('')).toBe(
    'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
  );
});
