import { bytesToHex } from '@noble/hashes/utils.js';
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

const hashOf = (length: number): string => {
  library.keccak256(INPUT, length, HASH);
  return bytesToHex(memory.subarray(HASH, INPUT));
};

const NO_DIGIT = 0x10;

/** The value of each hex digit, by its character code. */
const VALUES = new Uint8Array(128).fill(NO_DIGIT);
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  VALUES[digit.charCodeAt(0)] = value;
  VALUES[digit.toUpperCase().charCodeAt(0)] = value;
}

/** See `keccak.ts`. */
export const keccakOfDigits = (digits: string): string => {
  const { length } = digits;
  if (length % 2 !== 0) throw new RangeError('hex digits come in pairs');
  reserve(length / 2);
  let seen = 0;
  for (let at = 0, to = INPUT; at < length; at += 2, to += 1) {
    const high = VALUES[digits.charCodeAt(at)] ?? NO_DIGIT;
    const low = VALUES[digits.charCodeAt(at + 1)] ?? NO_DIGIT;
    seen |= high | low;
    memory[to] = (high << 4) | low;
  }
  if (seen >= NO_DIGIT) throw new RangeError('not a hex digit');
  return hashOf(length / 2);
};

/** See `keccak.ts`. */
export const keccakOfBytes = (bytes: Uint8Array): string => {
  reserve(bytes.length);
  memory.set(bytes, INPUT);
  return hashOf(bytes.length);
};
