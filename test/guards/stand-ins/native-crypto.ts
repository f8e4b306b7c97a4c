import * as real from '../../../src/crypto/native-crypto.ts';
import { counted } from '../tally.ts';

/** Counts hashes by the name under which those of WebCrypto count. */
export const nativeSha256 = counted('native.digest', real.nativeSha256);
