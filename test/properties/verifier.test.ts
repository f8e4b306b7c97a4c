import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { type Hex, recoverAddress } from 'viem';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import type { Address } from '../../src/core/hex.ts';
import { type KnownKeys, openKnownKeys } from '../../src/crypto/known-keys.ts';
import { addressOfKey, verifyStrict } from '../../src/crypto/verifier.ts';

/**
 * Tables and recovery say the same of every signature, and both what viem and the strict rules say: honest ones, every kind of
 * damage, and numbers at the ends of their ranges (the classes of Wycheproof's ECDSA vectors, derived anew for keys of ours).
 */
const { Point, Signature } = secp256k1;
const { Fn } = Point;
const ORDER = Fn.ORDER;
const PRIME = Point.Fp.ORDER;
/** λ times a point is turned by the endomorphism: the two halves of a multiple meet. */
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

/** Valid by the equation alone, with a nonce of the signer's choice: extreme x, or a sum of two equal or opposite points. */
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

/** The rules of design §4.7, and whom viem names. */
const expected = async ({ digest, r, s, v }: Signed): Promise<Address | undefined> => {
  if ((v !== 27 && v !== 28) || r < 1n || r >= ORDER || s < 1n || s > ORDER >> 1n) return undefined;
  try {
    const signer = await recoverAddress({ hash: hashOf(digest), signature: encoded(r, s, v) });
    return signer.toLowerCase() as Address;
  } catch {
    return undefined;
  }
};

/** Knows every key by a table of this size. */
const practised = (signatures: number): KnownKeys => {
  const known = openKnownKeys();
  for (const secret of SECRETS) {
    const account = accountOf(secret);
    for (let count = 0; count < signatures; count += 1) known.learn(account, pointOf(secret));
  }
  return known;
};

describe('every signature is judged the same', () => {
  let known: KnownKeys;
  beforeAll(() => {
    known = practised(16);
  });

  it('by recovery, by a table, and by viem under the strict rules', async () => {
    const runs = inject('thorough') ? 100_000 : 400;
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(cases, async (one) => {
        const account = accountOf(one.claimed === 'own' ? one.secret : 3n);
        const signed = damaged(one);
        const signature = encoded(signed.r, signed.s, signed.v);
        const said = verifyStrict(account, hashOf(signed.digest), signature, openKnownKeys());
        expect(said.ok).toBe((await expected(signed)) === account);
        accepted += said.ok ? 1 : 0;
        expect(verifyStrict(account, hashOf(signed.digest), signature, known)).toEqual(said);
      }),
      { numRuns: runs },
    );
    // Of what is undamaged, the account's own: nothing here passes for lack of good ones.
    expect(accepted).toBeGreaterThan(runs / 20);
  }, 900_000);

  it('a table alone takes what recovery takes: no good signature needs a second look', () => {
    for (const secret of SECRETS) {
      for (const nonce of [1n, 2n, 3n, ORDER - 1n, 7n ** 80n % ORDER]) {
        for (const digest of DIGESTS) {
          const { r, s, v } = signWith(secret, digest, nonce);
          if (s === 0n) continue;
          const parity = v === 27 ? 0 : 1;
          expect(known.signed(accountOf(secret), digest, { r, s, parity })).toBe(true);
          const other = parity === 0 ? 1 : 0;
          expect(known.signed(accountOf(secret), digest, { r, s, parity: other })).toBe(false);
        }
      }
    }
  });

  it('whose two halves cancel out is nobody’s: the sum is no point', () => {
    // u1·G + u2·P = 0 where digest = -r·secret: any r and s.
    const digest = Fn.create(-5n * 0xc0ffeen);
    const account = accountOf(0xc0ffeen);
    expect(known.signed(account, digest, { r: 5n, s: 9n, parity: 0 })).toBe(false);
  });
});
