import { expect, test } from 'vitest';
import {
  createHeadsTree,
  headIn,
  headsText,
  parseHeads,
  slotHash,
  slotOf,
  SLOTS,
  withHead,
} from '../../../../src/audit/log/heads.ts';
import { inclusionProof, rootOf } from '../../../../src/audit/log/merkle-tree.ts';
import { verifyInclusion } from '../../../../src/audit/log/verify-proof.ts';
import { decodeBase64, encodeBase64, utf8 } from '../../../../src/crypto/bytes.ts';
import { sha256 } from '@noble/hashes/sha2.js';

const ANCHOR = decodeBase64('gNR14cPs0SsaFzldSVzN7ABujl2CkFwFa2tKw7XG7uw=') as Uint8Array;
const hashAt = (seed: number): Uint8Array => sha256(utf8(String(seed)));

test('the index of one account is that of docs/audit-format.md', () => {
  const tree = createHeadsTree();
  expect(encodeBase64(tree.root())).toBe('ikq1p4x+g597n2KFLs4dXHeU0Tnl6a429hyE9lDwIqE=');
  const slot = withHead(new Uint8Array(), ANCHOR, ANCHOR);
  expect(slotOf(ANCHOR)).toBe(2061);
  tree.put([[slotOf(ANCHOR), slotHash(slot)]]);
  const text = 'countersign-heads/1\nemANzBGvp7v7tG1NUJEzIO7R4+NR8FbRVI/h4zPJ+RY=\n';
  expect(headsText(tree.root())).toBe(text);
  expect(parseHeads(text)).toEqual(tree.root());
  for (const other of [text.slice(0, -1), `${text}\n`, text.replace('heads', 'head')])
    expect(parseHeads(other)).toBeUndefined();
});

test('a slot has each account once, ascending', () => {
  const all = Array.from({ length: 9 }, (_, at) => hashAt(at));
  const slot = all.reduce((own, anchor) => withHead(own, anchor, anchor), new Uint8Array());
  const other = all
    .toReversed()
    .reduce((own, anchor) => withHead(own, anchor, anchor), new Uint8Array());
  expect(slot).toEqual(other);
  const [first, second] = [all[0] as Uint8Array, all[1] as Uint8Array];
  const changed = withHead(slot, first, second);
  expect([changed.length, headIn(changed, first), headIn(changed, second)]).toEqual([
    576,
    second,
    second,
  ]);
  expect(withHead(changed, first, first)).toEqual(slot);
});

test('the tree over slots is the RFC 6962 tree over all of them, however it came about', () => {
  const tree = createHeadsTree();
  const slots = Array.from({ length: 300 }, (_, at) => [(at * 577) % SLOTS, hashAt(at)] as const);
  tree.put(slots.slice(0, 200));
  for (const one of slots.slice(150)) tree.put([one]);
  const known = new Map(slots);
  const blank = slotHash(new Uint8Array());
  const whole = rootOf(Array.from({ length: SLOTS }, (_, at) => known.get(at) ?? blank));
  expect(tree.root()).toEqual(whole);
  for (const index of [0, 577, 4_095]) {
    const place = { hash: tree.read(0, index), index };
    const proof = inclusionProof(index, SLOTS, tree.read);
    expect(verifyInclusion(place, { size: SLOTS, root: whole }, proof)).toBe(true);
  }
});
