import { publicKeyOf, signDigest } from '#private-key';
import { privateKeyToAccount, sign } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import type { Hex } from '../../../src/core/hex.ts';
import { bytesOf, hexOf } from '../../../src/crypto/bytes.ts';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const hex32 = (value: bigint): Hex => `0x${value.toString(16).padStart(64, '0')}`;

const KEYS = [1n, 2n, 0xdeadbeefn, ORDER / 3n, ORDER - 1n].map(hex32);
const DIGESTS = [0n, 1n, ORDER, 2n ** 256n - 1n, 2n ** 255n + 12_345n].map(hex32);

describe('a private key', () => {
  test('has the public key that viem derives', () => {
    for (const key of KEYS) {
      expect(hexOf(publicKeyOf(bytesOf(key)))).toBe(privateKeyToAccount(key).publicKey);
    }
  });

  test('signs as viem does, the same digest alike each time', async () => {
    for (const privateKey of KEYS) {
      for (const hash of DIGESTS) {
        const { r, s, yParity } = await sign({ hash, privateKey });
        const expected = `0x0${yParity}${r.slice(2).padStart(64, '0')}${s.slice(2).padStart(64, '0')}`;
        for (let time = 0; time < 2; time += 1) {
          expect(hexOf(signDigest(bytesOf(hash), bytesOf(privateKey)))).toBe(expected);
        }
      }
    }
  });

  test('is refused when it is zero, not below the order of the curve, or of another length', () => {
    const digest = bytesOf(hex32(1n));
    for (const key of [hex32(0n), hex32(ORDER), hex32(2n ** 256n - 1n), '0x01', '0x'] as const) {
      expect(() => publicKeyOf(bytesOf(key))).toThrow(/private key/i);
      expect(() => signDigest(digest, bytesOf(key))).toThrow(/private key/i);
    }
    expect(() => signDigest(new Uint8Array(31), bytesOf(hex32(1n)))).toThrow(/32 bytes/);
  });
});
