/** The Castagnoli polynomial, bits reversed (RFC 3385 §4). `node:zlib` has CRC-32 with the polynomial of IEEE 802.3 only. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  }
  return value;
});

/** Returns the CRC-32C of bytes (RFC 3720 §12.1) as decimal text: Google Cloud KMS writes it as an int64, which JSON holds as a string. */
export const crc32c = (bytes: Uint8Array): string => {
  let value = 0xffffffff;
  for (const byte of bytes) value = (value >>> 8) ^ (TABLE[(value ^ byte) & 0xff] ?? 0);
  return ((value ^ 0xffffffff) >>> 0).toString();
};
