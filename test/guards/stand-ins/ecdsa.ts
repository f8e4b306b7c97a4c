import * as real from '../../../src/crypto/secp256k1/ecdsa.ts';
import { count } from '../tally.ts';

/** Stands in for what judges a signature: it does the same, and counts. */
export const recoverKey: typeof real.recoverKey = (...given) => {
  count('recovery');
  return real.recoverKey(...given);
};

export const isSignedBy: typeof real.isSignedBy = (...given) => {
  count('table');
  return real.isSignedBy(...given);
};
