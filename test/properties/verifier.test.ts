import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { type Hex, recoverAddress } from 'viem';
import { describe, expect, inject, it } from 'vitest';
import type { Address } from '../../src/core/hex.ts';
import { addressOfKey, verifyStrict } from '../../src/crypto/verifier.ts';

/**
 * Compares the verifier with viem under the strict rules: honest signatures, every kind of damage, and numbers at the ends of their
 * ranges (the classes of Wycheproof's ECDSA vectors, derived for the keys below).
 */
const { Point, Signature } = secp256k1;
const { Fn } = Point;
const ORDER = Fn.ORDER;
const PRIME = Point.Fp.ORDER;
/** Eigenvalue of the curve's endomorphism: multiples by it reach the corner cases of scalar splitting. */
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;
const SECRETS = [
  ...[1n, 2n, ORDER - 1n, ORDER >> 1n, LAMBDA, ORDER - LAMBDA],
  ...[0xc0ffeen, 2n ** 255n - 19n],
] as const;
const DIGESTS = [0n, 1n, ORDER - 1n, ORDER, ORDER + 1n, PRIME, 2n ** 256n - 1n] as const;
const ENDS = [
  ...[0n, 1n, 2n, (ORDER >> 1n) - 1n, ORDER >> 1n, (ORDER >> 1n) + 1n, ORDER - 1n, ORDER],
  ...[ORDER + 1n, PRIME - ORDER - 1n, PRIME - 1n, PRIME, 2n ** 255n, 2n ** 256n - 1n],
] as const;

const word = (value: bigint): string => value.toString(16).padStart(64, '0');
const encoded = (r: bigint, s: bigint, v: number): Hex =>
  `0x${word(r)}${word(s)}${v.toString(16).padStart(2, '0')}`;
const hashOf = (digest: bigint): Hex => `0x${word(digest)}`;
const bytesOf = (value: bigint): Uint8Array =>
  Uint8Array.from(word(value).match(/../g) ?? [], (pair) => Number(`0x${pair}`));

const pointOf = (secret: bigint) => Point.BASE.multiply(secret);
const accountOf = (secret: bigint): Address => addressOfKey(pointOf(secret).toBytes(false));

type Signed = {
  readonly digest: bigint;
  readonly r: bigint;
  readonly s: bigint;
  readonly v: number;
};

const sign = (secret: bigint, digest: bigint): Signed => {
  const bytes = secp256k1.sign(bytesOf(digest), bytesOf(secret), {
    prehash: false,
    format: 'recovered',
  });
  const { r, s, recovery } = Signature.fromBytes(bytes, 'recovered');
  return { digest, r, s, v: 27 + (recovery ?? 0) };
};

/** Signs with a chosen nonce, so that the point has an extreme x, or equals or negates another point of the sum. */
const signWith = (secret: bigint, digest: bigint, nonce: bigint): Signed => {
  const { x, y } = pointOf(nonce).toAffine();
  const r = Fn.create(x);
  const s = Fn.create(Fn.inv(nonce) * Fn.create(digest + r * secret));
  const isHigh = s > ORDER >> 1n;
  return { digest, r, s: isHigh ? ORDER - s : s, v: 27 + (Number(y & 1n) ^ (isHigh ? 1 : 0)) };
};

const big = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  fc.constantFrom(...ENDS),
  fc.bigInt({ min: 1n, max: 1_000n }),
);
const digests = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), fc.constantFrom(...DIGESTS));
const nonces = fc.oneof(
  fc.bigInt({ min: 1n, max: 64n }),
  fc.constantFrom(ORDER - 1n, ORDER >> 1n, (ORDER >> 1n) + 1n, LAMBDA, ORDER - LAMBDA),
  fc.bigInt({ min: 1n, max: ORDER - 1n }),
);

const cases = fc.record({
  secret: fc.constantFrom(...SECRETS),
  claimed: fc.constantFrom<'own' | 'other'>('own', 'own', 'own', 'other'),
  digest: digests,
  nonce: fc.option(nonces),
  damage: fc.constantFrom(
    ...(['none', 'none', 'r', 's', 'v', 'negated', 'swapped', 'digest', 'parity', 'all'] as const),
  ),
  number: big,
  other: big,
  byte: fc.nat({ max: 255 }),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

const damaged = ({ secret, digest, nonce, damage, number, other, byte }: Case): Signed => {
  const good = nonce === null ? sign(secret, digest) : signWith(secret, digest, nonce);
  switch (damage) {
    case 'none':
      return good;
    case 'r':
      return { ...good, r: number };
    case 's':
      return { ...good, s: number };
    case 'v':
      return { ...good, v: byte };
    case 'parity':
      return { ...good, v: 55 - good.v };
    case 'negated':
      return { ...good, s: ORDER - good.s, v: 55 - good.v };
    case 'swapped':
      return { ...good, r: good.s, s: good.r };
    case 'digest':
      return { ...good, digest: number };
    case 'all':
      return { digest: number, r: other, s: number, v: 27 + (byte % 2) };
  }
};

/** The signer that viem recovers, for signatures that the strict rules allow. */
const expected = async ({ digest, r, s, v }: Signed): Promise<Address | undefined> => {
  if ((v !== 27 && v !== 28) || r < 1n || r >= ORDER || s < 1n || s > ORDER >> 1n) return undefined;
  try {
    const signer = await recoverAddress({ hash: hashOf(digest), signature: encoded(r, s, v) });
    return signer.toLowerCase() as Address;
  } catch {
    return undefined;
  }
};

describe('verifyStrict', () => {
  it('agrees with viem under the strict rules on honest, damaged and extreme signatures', async () => {
    const runs = inject('thorough') ? 100_000 : 400;
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const account = accountOf(one.claimed === 'own' ? one.secret : 3n);
        const signed = damaged(one);
        const signature = encoded(signed.r, signed.s, signed.v);
        const verified = verifyStrict(account, hashOf(signed.digest), signature);
        expect(verified.ok).toBe((await expected(signed)) === account);
        accepted += verified.ok ? 1 : 0;
      }),
      { numRuns: runs },
    );
    // The property is not vacuous: enough undamaged signatures of the claimed account verify.
    expect(accepted).toBeGreaterThan(runs / 20);
  }, 900_000);

  it('accepts signatures with extreme nonces and digests, and not with the other v', () => {
    for (const secret of SECRETS) {
      for (const nonce of [1n, 2n, 3n, ORDER - 1n, 7n ** 80n % ORDER]) {
        for (const digest of DIGESTS) {
          const { r, s, v } = signWith(secret, digest, nonce);
          if (s === 0n) continue;
          const account = accountOf(secret);
          expect(verifyStrict(account, hashOf(digest), encoded(r, s, v)).ok).toBe(true);
          expect(verifyStrict(account, hashOf(digest), encoded(r, s, 55 - v)).ok).toBe(false);
        }
      }
    }
  });

  it('refuses a signature whose key would be the point at infinity', () => {
    // Q = (s·R − digest·G)/r with R = 5·G is infinity where digest = 5·s.
    const { x, y } = pointOf(5n).toAffine();
    const signature = encoded(Fn.create(x), 9n, 27 + Number(y & 1n));
    expect(verifyStrict(accountOf(1n), hashOf(45n), signature)).toEqual({
      ok: false,
      error: { reason: 'unrecoverable' },
    });
  });
});
