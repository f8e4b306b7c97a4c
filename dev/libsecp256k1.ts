import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PATH = join(import.meta.dirname, '../src/crypto/libsecp256k1.wasm');

/**
 * Writes libsecp256k1 as a module that the Worker imports: ox ships its bytes as text, for runtimes that compile at any time. A module
 * that is there already stays untouched, because every `wrangler dev` that watches it would restart its Worker.
 */
export const writeLibsecp256k1 = async (): Promise<void> => {
  const source = new URL('./internal/secp256k1.wasm.js', import.meta.resolve('ox/wasm/Secp256k1'));
  const { wasmBase64 } = (await import(source.href)) as { readonly wasmBase64: string };
  const bytes = Buffer.from(wasmBase64, 'base64');
  const existing = await readFile(PATH).catch(() => undefined);
  if (existing?.equals(bytes) === true) return;
  // Other processes may read or write the file at the same time.
  const draft = `${PATH}.${process.pid}`;
  await writeFile(draft, bytes);
  await rename(draft, PATH);
};

if (import.meta.main) await writeLibsecp256k1();
