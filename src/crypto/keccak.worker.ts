import { bytesToHex, hexToBytes } from '#hex-digits';
import module from './keccak.wasm';

/** The exports in use. */
type Keccak = {
  readonly memory: WebAssembly.Memory;
  readonly heap_base: () => number;
  readonly keccak256: (input: number, length: number, hash: number) => void;
};

const library = new WebAssembly.Instance(module).exports as unknown as Keccak;

const HASH_BYTES = 32;
const PAGE_BYTES = 65_536;

/** The hash and then the input are stored behind the module's own data. */
const HASH = library.heap_base();
const INPUT = HASH + HASH_BYTES;

let memory = new Uint8Array(library.memory.buffer);

/** Makes room for an input. */
const reserve = (bytes: number): void => {
  const missing = INPUT + bytes - memory.length;
  if (missing <= 0) return;
  library.memory.grow(Math.ceil(missing / PAGE_BYTES));
  // A memory that grows detaches its views.
  memory = new Uint8Array(library.memory.buffer);
};

/** See `keccak.ts`. */
export const keccakOfBytes = (bytes: Uint8Array): string => {
  reserve(bytes.length);
  memory.set(bytes, INPUT);
  library.keccak256(INPUT, bytes.length, HASH);
  return bytesToHex(memory.subarray(HASH, INPUT));
};

/** See `keccak.ts`. */
export const keccakOfDigits = (digits: string): string => keccakOfBytes(hexToBytes(digits));
