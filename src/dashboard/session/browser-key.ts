import { encodeBase64Url, hexOf } from '../../crypto/bytes.ts';
import type { Hex } from '../../core/hex.ts';
import type { RequestKey } from '../../protocol/http-signature.ts';

/** The key of this browser. Its private half cannot be read, not even by this page. */
export type BrowserKey = RequestKey & {
  /** Raw Ed25519 public key. */
  readonly publicKey: Hex;
};

/** Makes an Ed25519 key. @throws DOMException `NotSupportedError` in a browser without Ed25519 */
export const newBrowserKey = async (): Promise<BrowserKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  // RFC 7638: SHA-256 over the required members of the JWK, in order.
  const jwk = new TextEncoder().encode(
    `{"crv":"Ed25519","kty":"OKP","x":"${encodeBase64Url(raw)}"}`,
  );
  const keyId = encodeBase64Url(new Uint8Array(await crypto.subtle.digest('SHA-256', jwk)));
  return { privateKey: pair.privateKey, publicKey: hexOf(raw), keyId };
};
