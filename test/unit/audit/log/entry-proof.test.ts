import { beforeAll, describe, expect, test } from 'vitest';
import { checkpointText } from '../../../../src/audit/log/checkpoint.ts';
import {
  chunkPath,
  type EntryProof,
  parseEntryProof,
  verifyEntryProof,
  writeEntryProof,
} from '../../../../src/audit/log/entry-proof.ts';
import { hashOfLeaf, leafOf, leafText } from '../../../../src/audit/log/leaf.ts';
import { inclusionProof, rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { cosign, signNote } from '../../../../src/audit/log/note-signature.ts';
import { SIGNATURE_TYPE, writeNote } from '../../../../src/audit/log/signed-note.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { encodeBase64Url, sha256Hex, utf8 } from '../../../../src/crypto/bytes.ts';
import { KEY, leafHashes, ORIGIN, privateKey } from './vectors.ts';

const ACCOUNT = 'eip155:84532:0x06a3d66339341f66d73bd0507e08f83c4c6a3377';
const ZEROS: Hex = `0x${'0'.repeat(64)}`;
const WITNESS = { ...KEY, name: 'witness.example/w1', type: SIGNATURE_TYPE.cosignature };
const AT = 1_795_737_700;

const textOf = (seq: number): string =>
  JSON.stringify({ account: ACCOUNT, at: AT, seq, type: 'call.committed', v: 1 });
const hashAt = (seq: number): Hex => sha256Hex(utf8(`countersign-entry/1\n${textOf(seq)}`));

const receiptOf = (claims: object): string =>
  `e30.${encodeBase64Url(utf8(JSON.stringify(claims)))}.AA`;

let proof: EntryProof;

/** Entry 7, in the chunk of entries 3 to 13, which is leaf 5 of 11. */
beforeAll(async () => {
  const hashes = Array.from({ length: 11 }, (_, at) => hashAt(3 + at)) as [Hex, ...Hex[]];
  const leaf = leafOf(ACCOUNT, { seq: 3, prev: ZEROS }, hashes);
  const leaves = leafHashes(11).with(5, hashOfLeaf(leaf));
  const read = (level: number, index: number): Uint8Array =>
    rootOf(leaves.slice(index * 2 ** level, (index + 1) * 2 ** level));
  const text = checkpointText({ origin: ORIGIN, size: 11, root: rootOf(leaves) });
  const key = await privateKey();
  const signatures = [await signNote(KEY, key, text), await cosign(WITNESS, key, text, AT)];
  proof = {
    receipt: receiptOf({ agent: ACCOUNT, entry: hashAt(7) }),
    entry: textOf(7),
    hash: hashAt(7),
    seq: 7,
    path: chunkPath(leaf, hashes, 7) ?? [],
    leaf: leafText(leaf),
    index: 5,
    proof: inclusionProof(5, 11, read),
    checkpoint: writeNote({ text, signatures }),
  };
});

const verdict = async (shown: EntryProof = proof) => {
  const verified = await verifyEntryProof(writeEntryProof(shown), [{ key: KEY }], [WITNESS]);
  return verified.ok ? verified.value : verified.error;
};

describe('a proof of an entry', () => {
  test('leads from the entry to the checkpoint, with the time of its witnesses', async () => {
    expect(await verdict()).toMatchObject({
      ...{ account: ACCOUNT, seq: 7, hash: hashAt(7), index: 5 },
      checkpoint: { origin: ORIGIN, size: 11 },
      witnesses: [{ name: WITNESS.name, at: AT }],
    });
    expect(parseEntryProof(writeEntryProof(proof))).toEqual(proof);
  });

  test('may show nothing but a hash', async () => {
    const { entry: _, receipt: __, ...bare } = proof;
    const verified = await verifyEntryProof(writeEntryProof(bare), [{ key: KEY }]);
    expect(verified).toMatchObject({ ok: true, value: { seq: 7, witnesses: [] } });
  });

  test('shows no neighbour: one hash for each level of its chunk', () => {
    expect(proof.path).toHaveLength(4);
  });

  test.each<[string, () => Partial<EntryProof>, string]>([
    [
      'an entry with another amount',
      () => ({ entry: textOf(7).replace('}', ',"x":1}') }),
      'entry_altered',
    ],
    ['the hash of another entry', () => ({ hash: hashAt(8), entry: textOf(8) }), 'entry_outside'],
    ['another place in the chunk', () => ({ seq: 8 }), 'entry_outside'],
    [
      'a receipt for another entry',
      () => ({ receipt: receiptOf({ agent: ACCOUNT, entry: hashAt(8) }) }),
      'receipt_other',
    ],
    [
      'a receipt of another agent',
      () => ({ receipt: receiptOf({ agent: 'eip155:1:0x00', entry: hashAt(7) }) }),
      'receipt_other',
    ],
    ['a receipt that is none', () => ({ receipt: 'x' }), 'receipt_other'],
    ['a path without its last hash', () => ({ path: proof.path.slice(1) }), 'entry_outside'],
    ['another leaf', () => ({ leaf: proof.leaf.replace('13 0x', '14 0x') }), 'leaf_outside'],
    [
      'a leaf of another account',
      () => ({ leaf: proof.leaf.replace('0x06a3', '0x06a4') }),
      'leaf_outside',
    ],
    ['a text that is no leaf', () => ({ leaf: 'leaf' }), 'malformed'],
    ['another place in the log', () => ({ index: 6 }), 'leaf_outside'],
    ['a proof without its last hash', () => ({ proof: proof.proof.slice(1) }), 'leaf_outside'],
    [
      'a checkpoint of another size',
      () => ({ checkpoint: proof.checkpoint.replace('\n11\n', '\n12\n') }),
      'checkpoint_unsigned',
    ],
  ])('is refused with %s', async (_, change, fault) => {
    const changed = change();
    // The file's entry and receipt also name the hash. Remove them, so that only the claimed hash is proved.
    const { entry: _entry, receipt: _receipt, ...bare } = proof;
    const claimed = 'entry' in changed || 'receipt' in changed ? proof : bare;
    expect(await verdict({ ...claimed, ...changed })).toBe(fault);
  });

  test('is refused without the key of its log, and with the key of a witness alone', async () => {
    const text = writeEntryProof(proof);
    const other = { ...KEY, name: 'other.example/log/2026' };
    expect(await verifyEntryProof(text, [{ key: other }])).toEqual({
      ok: false,
      error: 'checkpoint_unsigned',
    });
    expect(await verifyEntryProof(text, [], [WITNESS])).toEqual({
      ok: false,
      error: 'checkpoint_unsigned',
    });
  });

  test('is refused if the key of the log had ended before the entry, unless the key signed again', async () => {
    const text = writeEntryProof(proof);
    const faultFor = async (...ends: readonly (number | undefined)[]) => {
      const listed = ends.map((until) => ({ key: KEY, ...(until && { from: AT - 90, until }) }));
      const verified = await verifyEntryProof(text, listed);
      return verified.ok ? 'proved' : verified.error;
    };
    expect(await faultFor(AT - 6)).toBe('retired_key');
    // Tolerates a difference between the clocks of the account and the log.
    expect(await faultFor(AT - 5)).toBe('proved');
    expect(await faultFor(AT - 60, AT + 60)).toBe('proved');
    expect(await faultFor(AT - 60, undefined)).toBe('proved');
    expect(await faultFor(AT - 60, AT - 30)).toBe('retired_key');
  });

  test('without its entry is refused once the key of the log has ended, unless a witness saw it before', async () => {
    const { entry: _, ...bare } = proof;
    const text = writeEntryProof(bare);
    const verdictFor = async (
      until: number | undefined,
      witnesses: Parameters<typeof verifyEntryProof>[2] = [],
    ) => {
      const listed = [{ key: KEY, ...(until && { from: AT - 90, until }) }];
      const verified = await verifyEntryProof(text, listed, witnesses);
      return verified.ok ? 'proved' : verified.error;
    };
    expect(await verdictFor(undefined)).toBe('proved');
    expect(await verdictFor(AT - 60)).toBe('undated');
    // Only the missing text of the entry could show that the entry is old enough.
    expect(await verdictFor(AT + 60)).toBe('undated');
    expect(await verdictFor(AT + 60, [WITNESS])).toBe('proved');
    expect(await verdictFor(AT - 5, [WITNESS])).toBe('proved');
    expect(await verdictFor(AT - 6, [WITNESS])).toBe('undated');
    expect(await verdictFor(AT + 60, [{ ...WITNESS, name: 'witness.example/w2' }])).toBe('undated');
  });

  test.each(['', 'c2sp.org/tlog-proof@v1\nindex 1\n\nx', '{}'])('is no other text: %j', (text) => {
    expect(parseEntryProof(text)).toBeUndefined();
  });
});

test('a chunk has no path for entries that its leaf does not name', () => {
  const hashes = [hashAt(1), hashAt(2), hashAt(3)] as const;
  const leaf = leafOf(ACCOUNT, { seq: 1, prev: ZEROS }, [...hashes]);
  expect(chunkPath(leaf, hashes, 2)).toHaveLength(2);
  expect(chunkPath(leaf, [...hashes].toReversed(), 2)).toBeUndefined();
  expect(chunkPath(leaf, hashes, 4)).toBeUndefined();
  expect(chunkPath(leaf, hashes, 0)).toBeUndefined();
});
