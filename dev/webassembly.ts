import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '../src/crypto');

/** The modules that the Worker imports, by the file of ox that holds their bytes. */
const MODULES = {
  './internal/secp256k1.wasm.js': 'libsecp256k1.wasm',
  './internal/hashes.wasm.js': 'keccak.wasm',
} as const;

/**
 * Writes libsecp256k1 and Keccak as modules that the Worker imports: ox ships their bytes as text, for runtimes that compile at any time. A
 * module that exists already stays untouched: a `wrangler dev` that watches it restarts its Worker after each write.
 */
export const writeWebAssembly = async (): Promise<void> => {
  for (const [source, name] of Object.entries(MODULES)) {
    const { href } = new URL(source, import.meta.resolve('ox/wasm/Secp256k1'));
    const { wasmBase64 } = (await import(href)) as { readonly wasmBase64: string };
    const path = join(FOLDER, name);
    const bytes = Buffer.from(wasmBase64, 'base64');
    const existing = await readFile(path).catch(() => undefined);
    if (existing?.equals(bytes) === true) continue;
    // Other processes may read or write the file at the same time.
    const draft = `${path}.${process.pid}`;
    await writeFile(draft, bytes);
    await rename(draft, path);
  }
};

if (import.meta.main) await writeWebAssembly();
