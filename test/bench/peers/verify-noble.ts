import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { transferWithAuthorizationDigest } from '../../../src/protocol/x402/authorization.ts';
import { token, verificationWorker } from './verification.ts';

/** The fastest verification in JavaScript alone: it computes the digest as the gateway does and recovers the key with noble. */
export default verificationWorker(({ signature, value, validAfter, validBefore, ...rest }) => {
  const authorization = {
    ...rest,
    value: BigInt(value),
    validAfter: BigInt(validAfter),
    validBefore: BigInt(validBefore),
  };
  const digest = transferWithAuthorizationDigest(token, authorization);
  const bytes = hexToBytes(signature.slice(2));
  const signed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64));
  const point = signed
    .addRecoveryBit((bytes[64] ?? 0) - 27)
    .recoverPublicKey(hexToBytes(digest.slice(2)));
  const address = keccak_256(point.toBytes(false).subarray(1)).subarray(12);
  return `0x${bytesToHex(address)}` === rest.from;
});
