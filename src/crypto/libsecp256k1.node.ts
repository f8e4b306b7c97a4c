import { engine, InvalidInputError } from 'ox/wasm/Secp256k1';

/** The module whose bytes the Worker imports, as ox loads it in Node. */
const library = await engine();

/** See `libsecp256k1.worker.ts`. */
export const recoverPublicKey = (
  signature: Uint8Array,
  digest: Uint8Array,
): Uint8Array | undefined => {
  try {
    return library.recoverPublicKey(signature, digest);
  } catch (error) {
    if (error instanceof InvalidInputError) return undefined;
    throw error;
  }
};
