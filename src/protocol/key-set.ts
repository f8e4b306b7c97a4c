import * as z from 'zod/mini';
import { decodeBase64Url } from '../crypto/bytes.ts';

/** Keys that verify receipts, by their `kid`. */
export type KeySet = ReadonlyMap<string, CryptoKey>;

const schema = z.looseObject({
  keys: z
    .array(
      z.looseObject({
        kty: z.string(),
        crv: z.optional(z.string()),
        x: z.optional(z.string()),
        kid: z.optional(z.string()),
      }),
    )
    .check(z.maxLength(64)),
});

/**
 * Reads a JWK set (RFC 7517 §5) of Ed25519 keys; keys of other kinds are left out. Imports them with WebCrypto: `importJWK` of jose would
 * add 1 KiB gzip for the algorithms of JWE.
 *
 * @returns undefined for any other value
 */
export const readKeySet = async (json: unknown): Promise<KeySet | undefined> => {
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const keys = new Map<string, CryptoKey>();
  for (const { kty, crv, x, kid } of parsed.data.keys) {
    if (kty !== 'OKP' || crv !== 'Ed25519' || x === undefined || kid === undefined) continue;
    // Node's import of a JWK skips characters that are not base64url, e.g. in a key that a typing error broke.
    if (decodeBase64Url(x)?.length !== 32) continue;
    try {
      const key = await crypto.subtle.importKey('jwk', { kty, crv, x }, 'Ed25519', false, [
        'verify',
      ]);
      keys.set(kid, key);
    } catch {
      // Not a point of the curve: receipts that name this key then have no key.
    }
  }
  return keys;
};
