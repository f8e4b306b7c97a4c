import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import {
  consistencyProof,
  inclusionProof,
  type ReadHash,
  rootOf,
} from '../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../src/audit/log/note-signature.ts';
import { writeNote } from '../../src/audit/log/signed-note.ts';
import { encodeBase64 } from '../../src/crypto/bytes.ts';
import {
  KEY,
  leafHashes,
  leafTextAt,
  ORIGIN,
  privateKey,
  VERIFIER_KEY,
} from '../unit/audit/log/vectors.ts';

/*
 * Checks this implementation of C2SP notes and RFC 6962 against Go's `sumdb/note` and `sumdb/tlog`. Needs `go` in PATH, and
 * golang.org/x/mod from a module proxy or in the module cache.
 */
const go = spawnSync('go', ['version'], { encoding: 'utf8' });
const hasGo = go.status === 0;
if (!hasGo) console.warn('Go is not installed: the transparency log is not compared with sumdb.');

const SIZES = [1, 2, 3, 7, 8, 255, 256, 257, 1_000];
const leaves = leafHashes(1_000);
const read: ReadHash = (level, index) =>
  rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));

const vectors = async () => {
  const key = await privateKey();
  const notes = await Promise.all(
    SIZES.map(async (size) => {
      const text = checkpointText({ origin: ORIGIN, size, root: rootOf(leaves.slice(0, size)) });
      return writeNote({ text, signatures: [await signNote(KEY, key, text)] });
    }),
  );
  const inclusion = SIZES.flatMap((size) =>
    [...new Set([0, Math.floor(size / 2), size - 1])].map((index) => ({
      ...{ index, size, proof: inclusionProof(index, size, read).map(encodeBase64) },
    })),
  );
  const consistency = SIZES.flatMap((size) =>
    SIZES.filter((old) => old < size).map((old) => ({
      ...{ old, size, proof: consistencyProof(old, size, read).map(encodeBase64) },
    })),
  );
  const texts = leaves.map((_, at) => leafTextAt(at));
  return { key: VERIFIER_KEY, notes, leaves: texts, inclusion, consistency };
};

const directories: string[] = [];
afterAll(async () => {
  for (const directory of directories) await rm(directory, { recursive: true, force: true });
});

describe.skipIf(!hasGo)('the implementation of the Go project', () => {
  it(
    'opens the notes, computes the roots and accepts the proofs',
    { timeout: 120_000 },
    async () => {
      const directory = await mkdtemp(join(tmpdir(), 'countersign-go-log-'));
      directories.push(directory);
      await copyFile(
        join(ROOT, 'test/conformance/support/go-log/main.go'),
        join(directory, 'main.go'),
      );
      const run = (words: readonly string[], input = '') =>
        spawnSync('go', words, { cwd: directory, encoding: 'utf8', input });
      expect(run(['mod', 'init', 'golog']).status).toBe(0);
      const got = run(['get', 'golang.org/x/mod@v0.19.0']);
      expect(got.status, got.stderr).toBe(0);
      const given = await vectors();
      const ran = run(['run', '.'], JSON.stringify(given));
      expect(ran.stderr).toBe('');
      expect(ran.stdout).toBe(
        `${SIZES.length} notes, ${given.inclusion.length} inclusion, ${given.consistency.length} consistency\n`,
      );
    },
  );
});
