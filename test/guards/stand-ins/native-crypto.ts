import * as real from '../../../src/crypto/native-crypto.ts';
import { counted } from '../tally.ts';

/** Counts hashes and signatures under the same names as calls of WebCrypto. */
export const nativeSha256 = counted('native.digest', real.nativeSha256);
export const ed25519Signer = (key: CryptoKey): ((bytes: Uint8Array) => Uint8Array) =>
  counted('native.sign', real.ed25519Signer(key));
