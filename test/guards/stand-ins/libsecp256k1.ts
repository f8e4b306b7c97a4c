import * as real from '../../../src/crypto/libsecp256k1.worker.ts';
import { counted } from '../tally.ts';

/** Counts recoveries of keys. */
export const recoverPublicKey = counted('recovery', real.recoverPublicKey);
