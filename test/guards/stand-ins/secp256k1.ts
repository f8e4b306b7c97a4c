import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { count } from '../tally.ts';

/** Stands in for the curve library, which no call may use: whatever is asked of it is counted. */
export const secp256k1 = new Proxy(curve, {
  get: (target, key) => {
    count('library');
    return Reflect.get(target, key) as unknown;
  },
});
