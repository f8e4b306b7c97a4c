import { p256 } from '@noble/curves/nist.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { describe, expect, it } from 'vitest';
import { spkiOf } from '../../../../dev/stack/fake-kms-key.ts';
import { encodeBase64 } from '../../../../src/crypto/bytes.ts';
import { crc32c } from '../../../../src/signer/backends/crc32c.ts';
import { addressOfSpki, decodePublicKeyPem } from '../../../../src/signer/backends/spki.ts';
import { addressOf, keyOf } from './key.ts';

const KEY = keyOf('a key');
const SPKI = spkiOf(KEY);

describe('a public key in SubjectPublicKeyInfo', () => {
  it('gives the address of the account', () => {
    expect(addressOfSpki(SPKI)).toBe(addressOf(KEY));
    // The address of private key 1, whose public key is the curve's generator. Any wallet shows it.
    expect(addressOfSpki(spkiOf({ name: '', privateKey: hexToBytes(`${'0'.repeat(63)}1`) }))).toBe(
      '0x7e5f4552091a69125d5dfcb7b8c2659029395bdf',
    );
  });

  it('is refused with any byte before the point changed, a byte more or a byte less', () => {
    for (let at = 0; at < 24; at += 1) {
      const changed = SPKI.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(addressOfSpki(changed)).toBeUndefined();
    }
    expect(addressOfSpki(Uint8Array.of(...SPKI, 0))).toBeUndefined();
    expect(addressOfSpki(SPKI.subarray(0, 87))).toBeUndefined();
  });

  it('is refused on another curve', () => {
    const point = bytesToHex(p256.getPublicKey(KEY.privateKey, false));
    const other = `3059301306072a8648ce3d020106082a8648ce3d030107034200${point}`;
    expect(addressOfSpki(hexToBytes(other))).toBeUndefined();
  });
});

describe('a public key in PEM', () => {
  const lines = encodeBase64(SPKI).match(/.{1,64}/g) ?? [];
  const pem = (body: readonly string[]) =>
    ['-----BEGIN PUBLIC KEY-----', ...body, '-----END PUBLIC KEY-----', ''].join('\n');

  it('is decoded', () => {
    expect(decodePublicKeyPem(pem(lines))).toEqual(SPKI);
  });

  it.each([
    ['text before it', `x\n${pem(lines)}`],
    ['a second key', pem(lines) + pem(lines)],
    ['another label', pem(lines).replaceAll('PUBLIC', 'EC PUBLIC')],
    ['a header', pem(['Proc-Type: 4,ENCRYPTED', ...lines])],
    ['padding inside', pem(['MA==', ...lines])],
    ['no body', pem([])],
  ])('is refused with %s', (_, text) => {
    expect(decodePublicKeyPem(text)).toBeUndefined();
  });
});

describe('CRC-32C', () => {
  it.each([
    // From RFC 3720 §B.4, and the check value in the CRC catalogue.
    ['32 zero bytes', new Uint8Array(32), 0x8a9136aa],
    ['32 bytes ff', new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ['32 rising bytes', Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd794e],
    ['123456789', new TextEncoder().encode('123456789'), 0xe3069283],
    ['no bytes', new Uint8Array(), 0],
  ])('of %s is that of the specification', (_, bytes, sum) => {
    expect(crc32c(bytes)).toBe(String(sum));
  });
});
