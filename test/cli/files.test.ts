import { readdirSync, statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { sha256, SHIPPED_TOOLS } from '../../src/cli/init/files.ts';
import { writeFiles } from '../../src/cli/lib/atomic-file.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-files-'));
});
afterEach(async () => await rm(directory, { recursive: true, force: true }));

test('writes all files or none: a failure of the last leaves the others unchanged', async () => {
  const one = join(directory, 'one');
  await writeFile(one, 'old');
  const files = [
    { path: one, text: 'new' },
    { path: join(directory, 'two'), text: 'new', mode: 0o600 },
    // `one` is a file, so no path below it can exist.
    { path: join(one, 'three'), text: 'new' },
  ];
  await expect(writeFiles(files, undefined)).rejects.toThrow(/EEXIST|ENOTDIR/);
  expect(await readFile(one, 'utf8')).toBe('old');
  expect(await readdir(directory)).toEqual(['one']);
});

test('changes nothing and leaves no draft when the signal aborts first', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  const path = join(directory, 'one');
  await expect(writeFiles([{ path, text: 'new', mode: 0o600 }], stop.signal)).rejects.toThrow(
    'stopped',
  );
  expect(await readdir(directory)).toEqual([]);
});

test('deletes its drafts synchronously on Ctrl-C', async () => {
  const stop = new AbortController();
  const path = join(directory, 'one');
  const written = writeFiles([{ path, text: 'x'.repeat(50_000_000), mode: 0o600 }], stop.signal);
  const began = (): boolean =>
    readdirSync(directory).some((file) => statSync(join(directory, file)).size > 0);
  while (!began()) await new Promise((resolve) => setImmediate(resolve));
  stop.abort(new Error('stopped'));
  expect(readdirSync(directory)).toEqual([]);
  await expect(written).rejects.toThrow('stopped');
  expect(await readdir(directory)).toEqual([]);
});

test('creates a secret file with mode 600 from the start', async () => {
  const path = join(directory, 'below', 'secret');
  const before = process.umask(0);
  try {
    await writeFiles([{ path, text: 'secret', mode: 0o600 }], undefined);
  } finally {
    process.umask(before);
  }
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(directory, 'below'))).mode & 0o777).toBe(0o700);
});

test('keeps the permissions of a file that it replaces', async () => {
  const path = join(directory, 'wrangler.toml');
  await writeFile(path, 'an RPC URL with its key', { mode: 0o600 });
  await writeFiles([{ path, text: 'another' }], undefined);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('does not overwrite a file that appeared meanwhile', async () => {
  const path = join(directory, 'key.json');
  const put = async (text: string) =>
    await writeFiles([{ path, text, mode: 0o600, over: 'nothing' }], undefined);
  const both = await Promise.allSettled([put('one'), put('two')]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  await expect(put('three')).rejects.toThrow('EEXIST');
  expect(['one', 'two']).toContain(await readFile(path, 'utf8'));
  expect(await readdir(directory)).toEqual(['key.json']);
});

test('knows the digest of the tools.json that this release ships', async () => {
  expect(sha256(await readFile(join(ROOT, 'tools.json'), 'utf8'))).toBe(SHIPPED_TOOLS);
});
