import { encodeBase64Url, hexOf } from '../../crypto/bytes.ts';
import { thumbprint } from '../../crypto/thumbprint.ts';
import type { BrowserKey } from './stored-session.ts';

/** Makes an Ed25519 key. @throws DOMException `NotSupportedError` in a browser without Ed25519 */
export const newBrowserKey = async (): Promise<BrowserKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const keyId = await thumbprint(encodeBase64Url(raw));
  return { privateKey: pair.privateKey, publicKey: hexOf(raw), keyId };
};
