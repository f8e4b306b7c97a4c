import { describe, expect, test } from 'vitest';
import { entryHash } from '../../../../src/audit/entry.ts';
import {
  chunkRoot,
  anchorOfLeaf,
  hashOfLeaf,
  headOfLeaf,
  leafOf,
  leafText,
  parseLeaf,
} from '../../../../src/audit/log/leaf.ts';
import { rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { parseProofFile, writeProofFile } from '../../../../src/audit/log/proof-file.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import { encodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import type { Entry } from '../../../../src/protocol/entry.ts';
import { leafHashes } from './vectors.ts';

const ACCOUNT = 'eip155:84532:0x06a3d66339341f66d73bd0507e08f83c4c6a3377';
const ZEROS: Hex = `0x${'0'.repeat(64)}`;

/** Three entries whose hashes the Python verifier also computes. */
const hashes = (): readonly [Hex, Hex, Hex] => {
  let prev = ZEROS;
  const [one, two, three] = [1, 2, 3].map((seq) => {
    const salt = `0x${String(seq).padStart(32, '0')}`;
    const entry = {
      account: ACCOUNT,
      at: 1_795_737_600 + seq,
      prev,
      salt,
      seq,
      type: 'account.label',
      v: 1,
    };
    prev = entryHash(entry as unknown as Entry);
    return prev;
  });
  return [one, two, three] as [Hex, Hex, Hex];
};

describe('a leaf', () => {
  test('names account, range, hashes and root of a chunk', () => {
    const leaf = leafOf(ACCOUNT, { seq: 1, prev: ZEROS }, hashes());
    expect(hashes()).toEqual([
      '0xf61e0ece975eaca4ea8a8d0b83d0c554ff9a85375e4e15c95b9c179a75272d7a',
      '0x35a4b94a7b00c8017c6fe6f84f565f363253aaa0f272d5c771b859f0dda0147b',
      '0xee345a88ba6f7429e3010198016ab2e8956a44d6721c02ee380f36abc8266510',
    ]);
    expect(encodeBase64(chunkRoot(hashes()))).toBe('+nKLs06eimJ7vrK6SKftGhtVpufafrmHnwKNfSFKFGg=');
    const text = leafText(leaf);
    expect(text).toBe(
      `countersign-head/1\n${ACCOUNT}\n1 ${ZEROS}\n3 ${hashes()[2]}\n` +
        'root +nKLs06eimJ7vrK6SKftGhtVpufafrmHnwKNfSFKFGg=\n',
    );
    expect(utf8(text)).toHaveLength(263);
    expect(encodeBase64(hashOfLeaf(leaf))).toBe('gNR14cPs0SsaFzldSVzN7ABujl2CkFwFa2tKw7XG7uw=');
    expect(encodeBase64(anchorOfLeaf(leaf))).toBe('wd8x5NDcuguW4fE4dDiiyGD8TZ0xsMoJ/Eey12Gzjj0=');
    expect(encodeBase64(headOfLeaf(leaf))).toBe('YN10wXFqbJOAhG9swnFNmwktHPs26TzUpCWmqI08yMo=');
    expect(parseLeaf(text)).toEqual(leaf);
  });

  const TEXT = leafText(leafOf(ACCOUNT, { seq: 1, prev: ZEROS }, hashes()));
  test.each([
    ['another head', TEXT.replace('head/1', 'head/2')],
    ['no account', TEXT.replace(ACCOUNT, 'eip155:84532')],
    ['an account in capitals', TEXT.replace('0x06a3d', '0x06A3D')],
    ['an end before its beginning', TEXT.replace('\n3 ', '\n0 ').replace('\n1 ', '\n2 ')],
    ['a padded number', TEXT.replace('\n1 ', '\n01 ')],
    ['a short hash', TEXT.replace('0000 ', '000 ').replace('00\n3', '0\n3')],
    ['no root', TEXT.replace(/root .*\n/, '')],
    ['a further line', `${TEXT}more\n`],
    ['no end', TEXT.slice(0, -1)],
    ['more than 300 bytes', TEXT.replace('root ', `root ${' '.repeat(60)}`)],
  ])('is none with %s', (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(parseLeaf(text)).toBeUndefined();
  });
});

describe('a proof file', () => {
  const proof = leafHashes(3);
  const file = {
    index: 2,
    proof,
    checkpoint: `a.example\n3\n${encodeBase64(rootOf(proof))}\n\n— a.example AAAAAAAA\n`,
  };

  test('is read as it was written, with and without extra bytes', () => {
    expect(parseProofFile(writeProofFile(file))).toEqual(file);
    const withExtra = { ...file, extra: utf8('{"entry":1}') };
    expect(parseProofFile(writeProofFile(withExtra))).toEqual(withExtra);
    expect(writeProofFile(file)).toBe(
      `c2sp.org/tlog-proof@v1\nindex 2\n${proof.map(encodeBase64).join('\n')}\n\n${file.checkpoint}`,
    );
  });

  const TEXT = writeProofFile(file);
  test.each([
    ['another version', TEXT.replace('@v1', '@v2')],
    ['no index', TEXT.replace('index 2\n', '')],
    ['a padded index', TEXT.replace('index 2', 'index 02')],
    ['a short hash', TEXT.replace(encodeBase64(proof[0] as Uint8Array), 'AAAA')],
    ['no checkpoint', TEXT.slice(0, TEXT.indexOf('\n\n'))],
    ['bad extra bytes', TEXT.replace('index', 'extra ?\nindex')],
    [
      '64 hashes',
      TEXT.replace(
        'index 2\n',
        `index 2\n${`${encodeBase64(proof[0] as Uint8Array)}\n`.repeat(61)}`,
      ),
    ],
  ])('is none with %s', (_, text) => {
    expect(text).not.toBe(TEXT);
    expect(parseProofFile(text)).toBeUndefined();
  });
});
