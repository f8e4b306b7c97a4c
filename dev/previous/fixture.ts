import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { ROOT } from '../root.ts';
import type { StorageVersion } from '../../src/protocol/storage-version.ts';
import type { BuiltCommit } from './build-commit.ts';

/** The committed build that stands for the previous one until there is a release. CI may have neither tags nor history. */
export const FIXTURE = join(ROOT, 'test/chaos/upgrade/previous-build.json.br');

/** The content of the fixture. */
type Fixture = {
  readonly commit: string;
  readonly storage: StorageVersion;
  /** Text of the tools that it sells. */
  readonly tools: string;
  /** Modules by name: the text of JavaScript, the bytes of WebAssembly in base64. */
  readonly modules: Readonly<Record<string, string>>;
};

const encodingOf = (name: string): 'base64' | 'utf8' =>
  name.endsWith('.wasm') ? 'base64' : 'utf8';

/** Writes the fixture. @returns its bytes */
export const packFixture = async (
  commit: string,
  tools: string,
  { directory, storage }: BuiltCommit,
): Promise<number> => {
  const names = (await readdir(directory)).filter((name) => /\.(?:js|wasm)$/.test(name));
  const modules = await Promise.all(
    names
      .toSorted()
      .map(
        async (name) => [name, await readFile(join(directory, name), encodingOf(name))] as const,
      ),
  );
  const content: Fixture = { commit, storage, tools, modules: Object.fromEntries(modules) };
  const packed = brotliCompressSync(JSON.stringify(content), {
    params: { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS },
  });
  await mkdir(dirname(FIXTURE), { recursive: true });
  await writeFile(FIXTURE, packed);
  return packed.length;
};

/** Writes the modules of the fixture into a directory. */
export const unpackFixture = async (
  directory: string,
): Promise<BuiltCommit & Pick<Fixture, 'commit' | 'tools'>> => {
  const { modules, storage, commit, tools } = JSON.parse(
    brotliDecompressSync(await readFile(FIXTURE)).toString(),
  ) as Fixture;
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(modules))
    await writeFile(join(directory, name), text, encodingOf(name));
  return { directory, storage, commit, tools };
};
