import {
  type EntryProof,
  type ProofFault,
  verifyEntryProof,
  writeEntryProof,
} from '../../../audit/log/entry-proof.ts';
import { parseKeyList } from '../../../audit/log/key-list.ts';
import { parseLeaf } from '../../../audit/log/leaf.ts';
import { leafHash } from '../../../audit/log/merkle-tree.ts';
import { verifierKey } from '../../../audit/log/signed-note.ts';
import { inclusionPath, type PathNode } from '../../../audit/log/verify-proof.ts';
import { type CollectFault, collectProof, type WantedEntry } from '../../../client/entry-proof.ts';
import type { Management } from '../../../client/management.ts';
import type { Seconds } from '../../../core/clock.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import { bytesOf, encodeBase64, utf8 } from '../../../crypto/bytes.ts';
import { logKeysOf } from './public-text.ts';

/** A proof that this browser verified, with every node between the entry and the signed root. */
export type DrawnProof = {
  readonly entry: Uint8Array;
  readonly chunk: readonly PathNode[];
  readonly leaf: Uint8Array;
  readonly tree: readonly PathNode[];
  readonly seq: number;
  readonly index: number;
  readonly origin: string;
  readonly size: number;
  /** The key that signed the checkpoint, as verifiers write it. */
  readonly key: string;
  readonly witnesses: readonly { readonly name: string; readonly at: number }[];
  /** The self-contained proof file (https://c2sp.org/tlog-proof). */
  readonly file: string;
};

/** `no_key`: the gateway does not publish the key of that log. */
export type DrawFault = CollectFault | ProofFault | 'no_key';

/** Collects the proof of one entry about a call, and verifies it (RFC 6962 §2.1.1). */
export const proveEntry = async (
  management: Management,
  name: Pick<WantedEntry, 'account' | 'call'>,
  seq: number,
  now: Seconds,
): Promise<Result<DrawnProof, DrawFault>> => {
  const found = await collectProof(management, {
    ...name,
    isWanted: (line) => line.seq === seq,
    now,
  });
  if (!found.ok) return found;
  const { proof, year } = found.value;
  const list = await logKeysOf(year);
  const parsed = list === undefined ? undefined : parseKeyList(list);
  if (parsed === undefined) return err('no_key');
  const file = writeEntryProof(proof);
  const verified = await verifyEntryProof(file, parsed);
  if (!verified.ok) return verified;
  const { checkpoint, witnesses } = verified.value;
  return ok({
    ...nodesOf(proof, checkpoint.size),
    ...{ seq, index: proof.index, origin: checkpoint.origin, size: checkpoint.size },
    ...{ key: parsed.map(({ key }) => verifierKey(key)).join(' '), witnesses, file },
  });
};

const nodesOf = (
  { hash, seq, path, leaf: text, index, proof }: EntryProof,
  size: number,
): Pick<DrawnProof, 'entry' | 'chunk' | 'leaf' | 'tree'> => {
  const entry = leafHash(bytesOf(hash));
  const leaf = leafHash(utf8(text));
  const { first, last } = parseLeaf(text) ?? { first: { seq }, last: { seq } };
  const place = { hash: entry, index: seq - first.seq };
  return {
    entry,
    leaf,
    chunk: inclusionPath(place, last.seq - first.seq + 1, path) ?? [],
    tree: inclusionPath({ hash: leaf, index }, size, proof) ?? [],
  };
};

/** A node as it is written in checkpoints and proof files. */
export const nodeText = (node: Uint8Array): string => encodeBase64(node);
