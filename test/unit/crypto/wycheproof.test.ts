import { secp256k1 } from '@noble/curves/secp256k1.js';
import { recoverAddress } from 'viem';
import { expect, test } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { bytesOf, sha256Hex } from '../../../src/crypto/bytes.ts';
import { addressOfKey, recoverStrict, verifyStrict } from '../../../src/crypto/verifier.ts';
import { groups } from '../../vectors/wycheproof/ecdsa-secp256k1-sha256.json';

/**
 * Wycheproof's vectors of ECDSA over secp256k1: numbers at the ends of their ranges, and signatures and keys that make intermediate results
 * extreme, equal or infinite. The vectors have no v and allow a high s, so each is tried with both v, and a high s also in its low form.
 * The verifier must agree with viem under the strict rules on every encoding, and with Wycheproof on the vector.
 */
const { ORDER } = secp256k1.Point.Fn;
const word = (value: bigint): string => value.toString(16).padStart(64, '0');

type Vector = (typeof groups)[number]['tests'][number];

const encodingsOf = ({ signature }: Vector): readonly Hex[] => {
  const r = signature.slice(0, signature.length / 2);
  const s = BigInt(`0x${signature.slice(r.length)}`);
  const isHigh = signature.length === 128 && s > ORDER >> 1n && s < ORDER;
  const texts = isHigh ? [signature, `${r}${word(ORDER - s)}`] : [signature];
  return texts.flatMap((text) => [`0x${text}1b`, `0x${text}1c`] as const);
};

const isStrict = (signature: Hex): boolean => {
  if (signature.length !== 132) return false;
  const r = BigInt(signature.slice(0, 66));
  const s = BigInt(`0x${signature.slice(66, 130)}`);
  return r > 0n && r < ORDER && s > 0n && s <= ORDER >> 1n;
};

/** The signer that viem recovers, for signatures that the strict rules allow. */
const signerByViem = async (hash: Hex, signature: Hex): Promise<Address | undefined> => {
  if (!isStrict(signature)) return undefined;
  try {
    return (await recoverAddress({ hash, signature })).toLowerCase() as Address;
  } catch {
    return undefined;
  }
};

/** Tells whether the verifier accepts an encoding of a vector. Fails the test if the verifier and viem disagree. */
const isAccepted = async (account: Address, vector: Vector): Promise<boolean> => {
  const digest = sha256Hex(bytesOf(`0x${vector.message}`));
  let accepted = 0;
  for (const signature of encodingsOf(vector)) {
    const name = `${vector.id} ${vector.comment} ${signature.slice(130)}`;
    const signer = await signerByViem(digest, signature);
    const recovered = recoverStrict(digest, signature);
    expect(recovered.ok ? recovered.value : undefined, name).toBe(signer);
    expect(verifyStrict(account, digest, signature).ok, name).toBe(signer === account);
    accepted += signer === account ? 1 : 0;
  }
  expect(accepted, `${vector.id} ${vector.comment}`).toBeLessThanOrEqual(1);
  return accepted === 1;
};

test("agrees with viem and Wycheproof on Wycheproof's signatures over secp256k1", async () => {
  const counts = { accepted: 0, refused: 0 };
  const differing: string[] = [];
  for (const { key, tests } of groups) {
    const account = addressOfKey(bytesOf(`0x${key}`));
    for (const vector of tests) {
      const accepted = await isAccepted(account, vector);
      counts[accepted ? 'accepted' : 'refused'] += 1;
      if (accepted !== (vector.result === 'valid')) {
        differing.push(`${vector.id} ${vector.comment}: ${vector.result}`);
      }
    }
  }
  expect(counts).toEqual({ accepted: 162, refused: 80 });
  // ECDSA compares x modulo the order. `ecrecover` has no v for an x above the order, so the verifier rejects it too.
  expect(differing).toEqual(['115 k*G has a large x-coordinate: valid']);
});
