import { secp256k1 } from '@noble/curves/secp256k1.js';
import { describe, expect, it } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { openKnownKeys } from '../../../src/crypto/known-keys.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import vectors from '../../vectors/countersign-v1.json';

const agent = vectors.keys.agent.address.toLowerCase() as Address;
const digest = vectors.paid.payment.digest as Hex;
const signature = vectors.paid.payment.signature as Hex;
const scalars = {
  r: BigInt(signature.slice(0, 66)),
  s: BigInt(`0x${signature.slice(66, 130)}`),
  parity: signature.endsWith('1b') ? 0 : 1,
} as const;
const other = (number: number): Address => `0x${number.toString(16).padStart(40, '0')}`;
const key = (secret: number) => secp256k1.Point.BASE.multiply(BigInt(secret));

describe('known keys', () => {
  it('says nothing of a key before its sixteenth signature', () => {
    const known = openKnownKeys();
    for (let count = 1; count <= 16; count += 1) {
      expect(known.signed(agent, BigInt(digest), scalars)).toBe(false);
      expect(verifyStrict(agent, digest, signature, known).ok).toBe(true);
    }
    expect(known.signed(agent, BigInt(digest), scalars)).toBe(true);
  });

  it('keeps nothing of who only claims to be an account, and of a signature that is none', () => {
    const known = openKnownKeys();
    const stranger = other(1);
    const broken: Hex = `${signature.slice(0, -4) as Hex}00${signature.slice(-2)}`;
    for (let count = 1; count <= 40; count += 1) {
      verifyStrict(stranger, digest, signature, known);
      verifyStrict(agent, digest, broken, known);
    }
    expect(known.bytes()).toBe(0);
  });

  it('stays within its bytes, and forgets who has not been seen for longest', () => {
    // Room for two tables.
    const known = openKnownKeys(200_000);
    const learn = (secret: number, times: number): void => {
      for (let count = 0; count < times; count += 1) known.learn(other(secret), key(secret));
    };
    learn(1, 16);
    const one = known.bytes();
    learn(2, 16);
    expect(known.bytes()).toBe(2 * one);
    learn(1, 1);
    learn(3, 16);
    expect(known.bytes()).toBeLessThanOrEqual(200_000);
    // The second is gone with its count: it begins anew.
    const before = known.bytes();
    learn(2, 1);
    expect(known.bytes()).toBe(before + 1_000);
    learn(1, 1);
    expect(known.bytes()).toBe(before + 1_000);
  });

  it('keeps the table of who has just been confirmed by it', () => {
    const known = openKnownKeys(200_000);
    for (let count = 0; count < 16; count += 1) verifyStrict(agent, digest, signature, known);
    const learn = (secret: number): void => {
      for (let count = 0; count < 16; count += 1) known.learn(other(secret), key(secret));
    };
    learn(1);
    expect(known.signed(agent, BigInt(digest), scalars)).toBe(true);
    // There is no room for three: the other one goes.
    learn(2);
    expect(known.signed(agent, BigInt(digest), scalars)).toBe(true);
    learn(3);
    learn(4);
    expect(known.signed(agent, BigInt(digest), scalars)).toBe(false);
  });

  it('keeps one table for a key, however often it signs', () => {
    const known = openKnownKeys();
    for (let count = 0; count < 16; count += 1) known.learn(other(1), key(1));
    const once = known.bytes();
    for (let count = 0; count < 300; count += 1) known.learn(other(1), key(1));
    expect(known.bytes()).toBe(once);
    expect(once).toBe(1_000 + 704 * 120);
  });

  it('stays within its bytes whoever comes', () => {
    const known = openKnownKeys(10_000);
    for (let number = 1; number <= 500; number += 1) known.learn(other(number), key(7));
    expect(known.bytes()).toBeLessThanOrEqual(10_000);
  });
});
