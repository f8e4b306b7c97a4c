import { keccakOfBytes } from '#keccak';
import type { Address } from '../core/hex.ts';
import { memoize } from '../core/bounded-map.ts';
import { isHex, utf8 } from './bytes.ts';

/** Characters of an address, `0x` included. */
const LENGTH = 42;
const CACHED_ADDRESSES = 1024;

const checksum = (address: Address): string => {
  const digits = address.slice(2);
  const hash = keccakOfBytes(utf8(digits));
  let text = '0x';
  for (let at = 0; at < digits.length; at += 1) {
    const digit = digits.charAt(at);
    text += hash.charAt(at) >= '8' ? digit.toUpperCase() : digit;
  }
  return text;
};

/**
 * Returns the EIP-55 form of an address. Offers contain it because old clients compare the address of USDC as text
 * (`selectPaymentRequirements` of `x402` 1.2.0).
 */
export const checksummed = memoize(CACHED_ADDRESSES, (address: Address) => address, checksum);

/**
 * Parses an address in lower case, upper case or EIP-55 form. Rejects a wrong checksum: the address was mistyped or altered.
 *
 * @returns the address in lower case; undefined for other text.
 */
export const parseAddress = (text: string): Address | undefined => {
  if (text.length !== LENGTH || !isHex(text)) return undefined;
  const lower = text.toLowerCase() as Address;
  if (text === lower || checksummed(lower) === text) return lower;
  const digits = text.slice(2);
  return digits === digits.toUpperCase() ? lower : undefined;
};
