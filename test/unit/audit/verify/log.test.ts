import { expect, test } from 'vitest';
import { checkpointText } from '../../../../src/audit/log/checkpoint.ts';
import { leafOf, leafText } from '../../../../src/audit/log/leaf.ts';
import { leafHash } from '../../../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../../../src/audit/log/note-signature.ts';
import { verifierKey, writeNote } from '../../../../src/audit/log/signed-note.ts';
import type { HashedEntry } from '../../../../src/audit/verify/check.ts';
import { createLogCheck } from '../../../../src/audit/verify/log.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { utf8 } from '../../../../src/crypto/bytes.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { fileOf } from '../../../support/verify-log.ts';
import { ALICE, START, word } from '../history.ts';
import { KEY, privateKey } from '../log/vectors.ts';

type Signed = {
  readonly isPinned?: boolean;
  readonly tree?: { readonly size: number; readonly root: Uint8Array };
};

/** The finding of the check on a log with one leaf, which covers this many entries. `tree`: another tree that the log has signed. */
const findingOfLeaf = async (entries: number, { isPinned = true, tree }: Signed = {}) => {
  const hashes = Array.from({ length: entries }, (_, at) => word(at + 1)) as [Hex, ...Hex[]];
  const leaf = leafText(leafOf(ALICE, { seq: 1, prev: word(0) }, hashes));
  const { size, root } = tree ?? { size: 1, root: leafHash(utf8(leaf)) };
  const text = checkpointText({ origin: KEY.name, size, root });
  const note = writeNote({ text, signatures: [await signNote(KEY, await privateKey(), text)] });
  const keys = [{ name: 'log-key', text: `${verifierKey(KEY)}\n` }];
  const check = await createLogCheck(
    {
      keys,
      ...(isPinned ? { pinned: keys } : {}),
      years: [
        {
          leaves: fileOf('log/2026/leaves.ndjson', `${JSON.stringify({ index: 0, leaf })}\n`),
          checkpoint: { name: 'log/2026/checkpoint', text: note },
        },
      ],
    },
    { accounts: new Map() } as never,
  );
  for (const [at, hash] of hashes.entries()) {
    const entry = { account: ALICE, seq: at + 1, prev: word(at), at: START } as Entry;
    const seen: HashedEntry = {
      entry,
      text: '',
      hash,
      place: { file: 'log.ndjson', line: at + 1 },
    };
    await check.see(seen);
  }
  const { verdict, first } = await check.end();
  return { verdict, reason: first?.reason, seq: first?.seq };
};

test('a leaf of more entries than a chunk holds is broken, before it fills the memory', async () => {
  expect(await findingOfLeaf(2_000)).toMatchObject({ verdict: 'proved', reason: undefined });
  expect(await findingOfLeaf(2_001)).toEqual({
    ...{ verdict: 'BROKEN', reason: 'leaf_too_long', seq: 2_001 },
  });
});

test('a log is not proved by a key that comes from the export itself', async () => {
  expect(await findingOfLeaf(1)).toMatchObject({ verdict: 'proved' });
  expect(await findingOfLeaf(1, { isPinned: false })).toMatchObject({ verdict: 'bounded' });
});

test.each([
  ['another leaf', 1, 'other_root'],
  ['one more leaf', 2, 'leaf_missing'],
  ['no leaf', 0, 'leaf_beyond_checkpoint'],
])('leaves are broken if the log has signed a tree with %s', async (_, size, reason) => {
  const tree = { size, root: leafHash(utf8('another leaf')) };
  expect(await findingOfLeaf(1, { tree })).toMatchObject({ verdict: 'BROKEN', reason });
});
