/**
 * Keccak-256 for clients and commands. The Worker has the same functions as WebAssembly (`keccak.worker.ts`): a bound call hashes six times,
 * which costs noble 60 µs.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';

/** Hashes bytes that are written as hex digits. @returns 64 hex digits. @throws Error for other text. */
export const keccakOfDigits = (digits: string): string =>
  bytesToHex(keccak_256(hexToBytes(digits)));

/** Hashes bytes. @returns 64 hex digits. */
export const keccakOfBytes = (bytes: Uint8Array): string => bytesToHex(keccak_256(bytes));
