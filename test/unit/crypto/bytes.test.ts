import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bodyDigest,
  byteLength,
  bytesOf,
  decodeBase64,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64,
  encodeBase64Url,
  hexOf,
  isHex,
  sha256Hex,
  utf8,
} from '../../../src/crypto/bytes.ts';
import vectors from '../../vectors/countersign-v1.json';

const bytes = fc.uint8Array({ maxLength: 300 });

describe('decodeBase64', () => {
  it('decodes what encodeBase64 and the browser encode', () => {
    fc.assert(
      fc.property(bytes, (array) => {
        const text = encodeBase64(array);
        expect(text).toBe(btoa(String.fromCharCode(...array)));
        expect(decodeBase64(text)).toEqual(array);
      }),
    );
  });

  it.each([
    ['a missing pad', 'QQ='],
    ['no pad', 'QQ'],
    ['unused bits after one byte', 'QR=='],
    ['unused bits after two bytes', 'QUF='],
    ['the url alphabet', '-_-_'],
    ['space', 'QUJD '],
    ['a line break', 'QUJD\n'],
    ['padding within', 'QQ==QUJD'],
    ['a single character', 'Q'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});

describe('decodeBase64Url', () => {
  it('decodes what encodeBase64Url encodes', () => {
    fc.assert(
      fc.property(bytes, (array) => {
        const text = encodeBase64Url(array);
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
        expect(decodeBase64Url(text)).toEqual(array);
      }),
    );
  });

  it.each(['QQ==', 'QR', 'QUF', '+/+/', 'Q', 'QUJD '])('refuses %j', (text) => {
    expect(decodeBase64Url(text)).toBeUndefined();
  });
});

describe('decodeUtf8', () => {
  it('decodes UTF-8 and refuses other bytes', () => {
    expect(decodeUtf8(utf8('grüße 🎉'))).toBe('grüße 🎉');
    expect(decodeUtf8(Uint8Array.of(0xed, 0xa0, 0x80))).toBeUndefined(); // an encoded surrogate
    expect(decodeUtf8(Uint8Array.of(0xc0, 0xaf))).toBeUndefined(); // an overlong slash
  });
});

describe('hex', () => {
  it('decodes what hexOf encodes', () => {
    fc.assert(
      fc.property(bytes, (array) => {
        const hex = hexOf(array);
        expect(isHex(hex)).toBe(true);
        expect(byteLength(hex)).toBe(array.length);
        expect(bytesOf(hex)).toEqual(array);
      }),
    );
  });

  it.each(['', '0', '0x0', '0X00', '00', '0xgg', '0x00 ', '0x00\n'])('refuses %j', (text) => {
    expect(isHex(text)).toBe(false);
  });
});

describe.each([
  ['the paid body', vectors.paid.request.body, vectors.paid.intent.payloadDigest],
  ['an empty body', vectors.unpaid.request.body, vectors.unpaid.intent.payloadDigest],
  ['an MCP call', vectors.mcp.canonicalPayload, vectors.mcp.intent.payloadDigest],
])('SHA-256 of %s', (_, text, digest) => {
  it('agrees with the vectors, computed synchronously and by the runtime', async () => {
    expect(sha256Hex(utf8(text))).toBe(digest);
    expect(await bodyDigest(new Uint8Array(utf8(text)))).toBe(digest);
  });
});
