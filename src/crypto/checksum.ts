import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Address } from '../core/hex.ts';
import { recent } from '../core/recent.ts';

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const KEPT = 1024;

const checksum = (address: Address): string => {
  const digits = address.slice(2);
  const hash = bytesToHex(keccak_256(utf8ToBytes(digits)));
  let text = '0x';
  for (let at = 0; at < digits.length; at += 1) {
    const digit = digits.charAt(at);
    text += hash.charAt(at) >= '8' ? digit.toUpperCase() : digit;
  }
  return text;
};

/**
 * The EIP-55 form of an address. Offers use it because old clients find USDC by comparing the text
 * (`x402` 1.2.0 `selectPaymentRequirements`).
 */
export const checksummed = recent(KEPT, (address: Address) => address, checksum);

/**
 * Reads a 20-byte address in lower case, upper case or EIP-55 form, and gives it in lower case; undefined for anything else.
 * A wrong checksum is refused: it is a mistyped or altered address.
 */
export const parseAddress = (text: string): Address | undefined => {
  if (!ADDRESS.test(text)) return undefined;
  const digits = text.slice(2);
  const lower: Address = `0x${digits.toLowerCase()}`;
  if (text === lower || digits === digits.toUpperCase()) return lower;
  return checksummed(lower) === text ? lower : undefined;
};
