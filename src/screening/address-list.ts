import { err, ok, type Result } from '../core/result.ts';
import type { Address } from '../core/hex.ts';
import { parseAddress } from '../crypto/address.ts';

/** The most bytes of a list: 90,000 addresses, which fit an isolate several times. */
export const MAX_LIST_BYTES = 4_194_304;

/**
 * Reads a list of addresses: one a line, in any case; `#` starts a comment. Fails with the number of the first line that is neither: a list
 * that is read in part would clear the rest of its addresses (law 8).
 */
export const parseAddressList = (text: string): Result<ReadonlySet<Address>, number> => {
  const addresses = new Set<Address>();
  for (const [index, line] of text.split('\n').entries()) {
    const written = line.replace(/#.*$/, '').trim();
    if (written === '') continue;
    // Lists are written in any case, and their letters often are no checksum.
    const address = parseAddress(written.toLowerCase());
    if (address === undefined) return err(index + 1);
    addresses.add(address);
  }
  return ok(addresses);
};
