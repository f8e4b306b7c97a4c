import * as real from '../../../src/crypto/native-crypto.ts';
import { counted } from '../tally.ts';

/** Counts hashes and signatures by the names under which calls of WebCrypto count. */
export const nativeSha256 = counted('native.digest', real.nativeSha256);
export const ed25519Signer = (key: CryptoKey): ((bytes: Uint8Array) => Uint8Array) =>
  counted('native.sign', real.ed25519Signer(key));
