import { engine } from 'ox/wasm/Secp256k1';

/** The module whose bytes the Worker imports, as ox loads it in Node. */
const library = await engine();

/** See `private-key.worker.ts`. */
export const publicKeyOf = (privateKey: Uint8Array): Uint8Array => library.getPublicKey(privateKey);

/** See `private-key.worker.ts`. */
export const signDigest = (digest: Uint8Array, privateKey: Uint8Array): Uint8Array =>
  library.sign(digest, privateKey, { extraEntropy: false, prehash: false });
