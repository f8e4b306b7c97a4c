/** Hex digits and bytes, for runtimes without `Uint8Array.fromHex`. */
export { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
