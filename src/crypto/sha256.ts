/** SHA-256 for clients, browsers and commands. The Worker has the native function (`sha256.worker.ts`), so no isolate loads this one. */
export { sha256 } from '@noble/hashes/sha2.js';
