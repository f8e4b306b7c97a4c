import module from './libsecp256k1.wasm';

type Libsecp256k1 = {
  readonly memory: WebAssembly.Memory;
  readonly heap_base: () => number;
  readonly zero: (address: number, length: number) => void;
  readonly secp256k1_init: () => number;
  readonly secp256k1_randomize: (seed: number) => number;
  readonly secp256k1_get_public_key: (privateKey: number, publicKey: number) => number;
  readonly secp256k1_sign: (
    digest: number,
    digestLength: number,
    privateKey: number,
    entropy: number,
    entropyLength: number,
    isHashed: number,
    signature: number,
  ) => number;
};

const KEY_BYTES = 32;
const DIGEST_BYTES = 32;
const RESULT_BYTES = 65;

/**
 * A separate instance: signatures of strangers never enter its memory. Created at first use, because a Worker cannot draw random numbers
 * before its first request.
 */
let library: Libsecp256k1 | undefined;

const open = (): Libsecp256k1 => {
  const opened = new WebAssembly.Instance(module).exports as unknown as Libsecp256k1;
  const seed = opened.heap_base();
  new Uint8Array(opened.memory.buffer, seed, KEY_BYTES).set(
    crypto.getRandomValues(new Uint8Array(KEY_BYTES)),
  );
  // Blinds the arithmetic with private keys against side channels.
  if (opened.secp256k1_init() !== 1 || opened.secp256k1_randomize(seed) !== 1) {
    throw new Error('libsecp256k1 could not be initialized');
  }
  return opened;
};

/** Runs a function of the module on a key and an input, and erases both from its memory. */
const withKey = (
  privateKey: Uint8Array,
  input: Uint8Array,
  run: (exports: Libsecp256k1, key: number, input: number, result: number) => number,
): Uint8Array => {
  if (privateKey.length !== KEY_BYTES) throw new RangeError('A private key has 32 bytes');
  library ??= open();
  const key = library.heap_base();
  const inputAt = key + KEY_BYTES;
  const result = inputAt + DIGEST_BYTES;
  const memory = new Uint8Array(library.memory.buffer);
  try {
    memory.set(privateKey, key);
    memory.set(input, inputAt);
    if (run(library, key, inputAt, result) !== 1) {
      throw new RangeError('The private key is zero, or not below the order of the curve');
    }
    return memory.slice(result, result + RESULT_BYTES);
  } finally {
    library.zero(key, KEY_BYTES + DIGEST_BYTES);
  }
};

/** Derives the public key of a private key: 65 bytes, uncompressed. @throws RangeError for bytes that are not a private key. */
export const publicKeyOf = (privateKey: Uint8Array): Uint8Array =>
  withKey(privateKey, new Uint8Array(0), (exports, key, _, result) =>
    exports.secp256k1_get_public_key(key, result),
  );

/**
 * Signs a digest of 32 bytes, deterministically (RFC 6979) and with low `s` (EIP-2).
 *
 * @returns 65 bytes: recovery id (0 or 1), r, s.
 * @throws RangeError for bytes that are not a private key.
 */
export const signDigest = (digest: Uint8Array, privateKey: Uint8Array): Uint8Array => {
  if (digest.length !== DIGEST_BYTES) throw new RangeError('A digest has 32 bytes');
  return withKey(privateKey, digest, (exports, key, input, result) =>
    exports.secp256k1_sign(input, DIGEST_BYTES, key, 0, 0, 0, result),
  );
};
