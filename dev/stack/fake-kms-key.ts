import { secp256k1 } from '@noble/curves/secp256k1.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** A key of a fake key management service: its name there, and the private key, which a real service never reveals. */
export type FakeKmsKey = {
  readonly name: string;
  readonly privateKey: Uint8Array;
  readonly isDisabled?: boolean;
};

/** The form of a signature that a fake returns. Real services return each form by chance. */
export type SignatureShape = {
  readonly isHigh: boolean;
  /** The number that is below 2^248 and so takes fewer bytes. */
  readonly short: 'r' | 's' | undefined;
};

const { Point } = secp256k1;
const { Fn } = Point;
const SHORT = 1n << 248n;
const SPKI_PREFIX = '3056301006072a8648ce3d020106052b8104000a034200';

/** SubjectPublicKeyInfo in DER. */
export const spkiOf = ({ privateKey }: FakeKmsKey): Uint8Array =>
  hexToBytes(`${SPKI_PREFIX}${bytesToHex(secp256k1.getPublicKey(privateKey, false))}`);

/** Signs a digest of 32 bytes and returns DER. Searches for a nonce that gives the wanted shape, which takes milliseconds. */
export const signDer = (
  { privateKey }: FakeKmsKey,
  digest: Uint8Array,
  { isHigh, short }: SignatureShape,
): Uint8Array => {
  const secret = BigInt(`0x${bytesToHex(privateKey)}`);
  const z = BigInt(`0x${bytesToHex(digest)}`);
  let nonce = BigInt(`0x${bytesToHex(secp256k1.utils.randomSecretKey())}`);
  for (let point = Point.BASE.multiply(nonce); ; point = point.add(Point.BASE), nonce += 1n) {
    const r = Fn.create(point.toAffine().x);
    if (short === 'r' && r >= SHORT) continue;
    const s = Fn.mul(Fn.inv(Fn.create(nonce)), Fn.create(z + r * secret));
    const low = s > Fn.ORDER / 2n ? Fn.ORDER - s : s;
    if (short === 's' && low >= SHORT) continue;
    return derOf(r, isHigh ? Fn.ORDER - low : low);
  }
};

/** Encodes two numbers as the SEQUENCE of two INTEGERs. */
export const derOf = (r: bigint, s: bigint): Uint8Array => {
  const body = `${integer(r)}${integer(s)}`;
  return hexToBytes(`30${byte(body.length / 2)}${body}`);
};

const integer = (value: bigint): string => {
  const text = value.toString(16);
  const even = text.length % 2 === 0 ? text : `0${text}`;
  const content = Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even;
  return `02${byte(content.length / 2)}${content}`;
};

const byte = (value: number): string => value.toString(16).padStart(2, '0');

/** High and low s in turn, and each third signature with a short r or s. */
export const shapeOf = (count: number): SignatureShape => {
  const short = ([undefined, 'r', undefined, undefined, 's', undefined] as const)[count % 6];
  return { isHigh: count % 2 === 1, short };
};
