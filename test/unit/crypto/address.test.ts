import fc from 'fast-check';
import { getAddress, type Hex } from 'viem';
import { describe, expect, it } from 'vitest';
import { checksummed, parseAddress } from '../../../src/crypto/address.ts';

const addresses = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map(
    (array): Hex => `0x${[...array].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`,
  );

describe('checksummed', () => {
  it('agrees with viem', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(checksummed(address)).toBe(getAddress(address));
      }),
      { numRuns: 1500 },
    );
  });
});

describe('parseAddress', () => {
  it('accepts lower case, upper case and the right checksum', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(parseAddress(address)).toBe(address);
        expect(parseAddress(`0x${address.slice(2).toUpperCase()}`)).toBe(address);
        expect(parseAddress(getAddress(address))).toBe(address);
      }),
    );
  });

  it.each([
    ['a letter in the wrong case', '0x7e5F4552091A69125d5DfCb7b8C2659029395Bdf'],
    ['a changed digit under an old checksum', '0x7E5F4552091A69125d5DfCb7b8C2659029395Bde'],
    ['19 bytes', `0x${'ab'.repeat(19)}`],
    ['21 bytes', `0x${'ab'.repeat(21)}`],
    ['an upper-case prefix', `0X${'ab'.repeat(20)}`],
    ['no prefix', 'ab'.repeat(20)],
    ['a space', ` 0x${'ab'.repeat(20)}`],
    ['a line break', `0x${'ab'.repeat(20)}\n`],
    ['nothing', ''],
  ])('refuses %s', (_, text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});
