import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { FakeKmsKey } from '../../../../dev/stack/fake-kms-key.ts';
import type { Clock } from '../../../../src/core/clock.ts';
import type { Address, Hex } from '../../../../src/core/hex.ts';
import { addressOfKey } from '../../../../src/crypto/verifier.ts';

export const AWS_NAME =
  'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
export const GOOGLE_NAME =
  'projects/shop-prod/locations/europe-west1/keyRings/agents/cryptoKeys/agent-1/cryptoKeyVersions/1';

export const DIGEST: Hex = `0x${'07'.repeat(32)}`;

/** A key of a fake service, whose private key repeats one byte. */
export const keyOf = (name: string, byte = 0x11): FakeKmsKey => ({
  name,
  privateKey: new Uint8Array(32).fill(byte),
});

export const addressOf = ({ privateKey }: FakeKmsKey): Address =>
  addressOfKey(secp256k1.getPublicKey(privateKey, false));

export const AWS_CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  sessionToken: 'FwoGZXIvYXdzEBYaDKexampletoken==',
};

/** A clock whose sleep ends at once, with a record of the requested pauses. */
export const testClock = (): Clock & { readonly pauses: readonly number[] } => {
  let at = Date.parse('2026-11-27T12:00:00Z');
  const pauses: number[] = [];
  return {
    pauses,
    now: () => at,
    sleep: async (milliseconds) => {
      pauses.push(milliseconds);
      at += milliseconds;
    },
  };
};
