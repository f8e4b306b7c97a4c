import * as real from '../../../src/crypto/secp256k1/ecdsa.ts';
import { counted } from '../tally.ts';

/** Stands in for what judges a signature: it does the same, and counts. */
export const recoverKey = counted('recovery', real.recoverKey);
export const isSignedBy = counted('table', real.isSignedBy);
