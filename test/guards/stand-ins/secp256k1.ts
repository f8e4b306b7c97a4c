import { secp256k1 as curve } from '@noble/curves/secp256k1.js';
import { count } from '../tally.ts';

/** Counts uses of noble, which no call may need. */
export const secp256k1 = new Proxy(curve, {
  get: (target, key) => {
    count('library');
    return Reflect.get(target, key) as unknown;
  },
});
