import { secp256k1 } from '@noble/curves/secp256k1.js';
import { recoverAddress } from 'viem';
import { describe, expect, it } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { bytesOf } from '../../../src/crypto/bytes.ts';
import { sha256Hex } from '../../../src/crypto/digest.ts';
import { type KnownKeys, openKnownKeys } from '../../../src/crypto/known-keys.ts';
import type { Scalars } from '../../../src/crypto/secp256k1/ecdsa.ts';
import { addressOfKey, recoverStrict, verifyStrict } from '../../../src/crypto/verifier.ts';
import { groups } from '../../vectors/wycheproof/ecdsa-secp256k1-sha256.json';

/**
 * Wycheproof's vectors of ECDSA over secp256k1: numbers at the ends of their ranges, signatures and keys that make intermediate results
 * extreme, equal or infinite. They know neither v nor our rule of a low s, so each is tried with both v, and where its s is high also
 * with the low one. Every way to verify must say what viem says under the strict rules, and all together what Wycheproof says.
 */
const { Point } = secp256k1;
const { ORDER } = Point.Fn;
const word = (value: bigint): string => value.toString(16).padStart(64, '0');

type Vector = (typeof groups)[number]['tests'][number];

/** Of what is sent beside r and s: an s that is low, and which of the two points r is of. */
const encodingsOf = ({ signature }: Vector): readonly Hex[] => {
  const r = signature.slice(0, signature.length / 2);
  const s = BigInt(`0x${signature.slice(r.length)}`);
  const isHigh = signature.length === 128 && s > ORDER >> 1n && s < ORDER;
  const texts = isHigh ? [signature, `${r}${word(ORDER - s)}`] : [signature];
  return texts.flatMap((text) => [`0x${text}1b`, `0x${text}1c`] as const);
};

/** The numbers of a signature that the rules of design §4.7 let through. */
const strictOf = (signature: Hex): Scalars | undefined => {
  if (signature.length !== 132) return undefined;
  const r = BigInt(signature.slice(0, 66));
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  const isStrict = r > 0n && r < ORDER && s > 0n && s <= ORDER >> 1n;
  return isStrict ? { r, s, parity: signature.endsWith('1b') ? 0 : 1 } : undefined;
};

/** Whom viem names under these rules. */
const signerOf = async (hash: Hex, signature: Hex): Promise<Address | undefined> => {
  if (strictOf(signature) === undefined) return undefined;
  try {
    return (await recoverAddress({ hash, signature })).toLowerCase() as Address;
  } catch {
    return undefined;
  }
};

const accountOf = (key: string): Address => addressOfKey(bytesOf(`0x${key}`));

/** Ways to verify: nothing is known of the key; it is known and has no table; it has one. */
const SIGHTINGS = [0, 1, 16] as const;
const knowing = (key: string, sightings: number): KnownKeys => {
  const known = openKnownKeys();
  const point = Point.fromHex(key);
  for (let seen = 0; seen < sightings; seen += 1) known.learn(accountOf(key), point);
  return known;
};

/** What this gateway makes of a vector, in the best of its encodings; throws where two ways disagree. */
const judge = async (key: string, ways: readonly KnownKeys[], vector: Vector): Promise<boolean> => {
  const account = accountOf(key);
  const digest = sha256Hex(bytesOf(`0x${vector.message}`));
  let accepted = 0;
  for (const signature of encodingsOf(vector)) {
    const what = `${vector.id} ${vector.comment} ${signature.slice(130)}`;
    const signer = await signerOf(digest, signature);
    const recovered = recoverStrict(digest, signature);
    expect(recovered.ok ? recovered.value : undefined, what).toBe(signer);
    for (const [at, known] of ways.entries()) {
      const said = verifyStrict(account, digest, signature, known);
      expect(said.ok, `${what}, seen ${SIGHTINGS[at]} times`).toBe(signer === account);
    }
    // By the table alone: what it does not confirm, recovery would mend.
    const scalars = strictOf(signature);
    for (const known of scalars === undefined ? [] : ways.slice(2)) {
      expect(scalars && known.signed(account, BigInt(digest), scalars), what).toBe(
        signer === account,
      );
    }
    accepted += signer === account ? 1 : 0;
  }
  expect(accepted, `${vector.id} ${vector.comment}`).toBeLessThanOrEqual(1);
  return accepted === 1;
};

describe("Wycheproof's signatures over secp256k1", () => {
  it('are judged the same by recovery, by a table, by viem, and by Wycheproof', async () => {
    const kept = SIGHTINGS.map((sightings) => knowing(groups[0]?.key ?? '', sightings).bytes());
    expect(kept, 'each way is another').toEqual([...new Set(kept)].toSorted((a, b) => a - b));

    const counts = { accepted: 0, refused: 0 };
    const others: string[] = [];
    for (const { key, tests } of groups) {
      const ways = SIGHTINGS.map((sightings) => knowing(key, sightings));
      for (const vector of tests) {
        const isAccepted = await judge(key, ways, vector);
        counts[isAccepted ? 'accepted' : 'refused'] += 1;
        if (isAccepted !== (vector.result === 'valid')) {
          others.push(`${vector.id} ${vector.comment}: ${vector.result}`);
        }
      }
    }
    expect(counts).toEqual({ accepted: 162, refused: 80 });
    // By the equation x counts modulo the order. The chain has no v for an x above it, and neither have we.
    expect(others).toEqual(['115 k*G has a large x-coordinate: valid']);
  });
});
