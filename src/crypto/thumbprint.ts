import { encodeBase64Url, utf8 } from './bytes.ts';

/**
 * Returns the RFC 7638 thumbprint of an Ed25519 key: its required members in lexicographic order (RFC 8037 §2).
 *
 * @param x the public key, 32 bytes in base64url
 */
export const thumbprint = async (x: string): Promise<string> => {
  const members = JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x });
  const hash = await crypto.subtle.digest('SHA-256', utf8(members));
  return encodeBase64Url(new Uint8Array(hash));
};
