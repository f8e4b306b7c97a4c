import module from './libsecp256k1.wasm';

/** The exports in use. The module's other exports sign or derive keys. */
type Libsecp256k1 = {
  readonly memory: WebAssembly.Memory;
  readonly heap_base: () => number;
  readonly secp256k1_init: () => number;
  readonly secp256k1_recover_public_key: (
    signature: number,
    digest: number,
    digestLength: number,
    publicKey: number,
  ) => number;
};

// workerd refuses to compile WebAssembly inside a request, so the runtime compiles the imported module and this file only instantiates
// it. `secp256k1_randomize` is never called: it blinds private keys, and no private key may enter this memory.
const library = new WebAssembly.Instance(module).exports as unknown as Libsecp256k1;
if (library.secp256k1_init() !== 1) throw new Error('libsecp256k1 could not be initialized');

const SIGNATURE_BYTES = 65;
const DIGEST_BYTES = 32;
const PUBLIC_KEY_BYTES = 65;

/** Signature, digest and key are stored one after the other behind the module's own data. */
const START = library.heap_base();
const DIGEST_AT = SIGNATURE_BYTES;
const KEY_AT = DIGEST_AT + DIGEST_BYTES;

/**
 * Recovers the public key that made a signature, with libsecp256k1 (SEC 1 §4.1.6).
 *
 * @param signature 65 bytes: recovery id (0 or 1), r, s.
 * @param digest 32 bytes.
 * @returns 65 bytes, uncompressed; undefined if no key could have made the signature.
 */
export const recoverPublicKey = (
  signature: Uint8Array,
  digest: Uint8Array,
): Uint8Array | undefined => {
  // A new view each time: a memory that grows detaches older ones.
  const memory = new Uint8Array(library.memory.buffer, START, KEY_AT + PUBLIC_KEY_BYTES);
  memory.set(signature);
  memory.set(digest, DIGEST_AT);
  const recovered = library.secp256k1_recover_public_key(
    START,
    START + DIGEST_AT,
    DIGEST_BYTES,
    START + KEY_AT,
  );
  return recovered === 1 ? memory.slice(KEY_AT) : undefined;
};
