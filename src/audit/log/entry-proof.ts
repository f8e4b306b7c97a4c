import * as z from 'zod/mini';
import { err, ok, type Result } from '../../core/result.ts';
import type { Hex } from '../../core/hex.ts';
import {
  bytesOf,
  decodeBase64,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64,
  utf8,
} from '../../crypto/bytes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import { parseStrictJson } from '../../protocol/strict-json.ts';
import { entryTextHash } from '../entry-text.ts';
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { endOfSigning, isSignedTooLate, type ListedKey } from './key-list.ts';
import { type Leaf, parseLeaf } from './leaf.ts';
import { HASH_BYTES, inclusionProof, leafHash, type ReadHash, rootOf } from './merkle-tree.ts';
import { cosignedAt, verifyNoteSignature } from './note-signature.ts';
import { parseProofFile, writeProofFile } from './proof-file.ts';
import { keyIdOf, type NoteKey, openNote, SIGNATURE_TYPE } from './signed-note.ts';
import { verifyInclusion } from './verify-proof.ts';

/**
 * A proof that one entry is in a transparency log, as one file (docs/audit-log.md): entry → root of its chunk → leaf → checkpoint. The file
 * reveals no other entry: it has only hashes of the neighbours, and entries are salted.
 */
export type EntryProof = {
  /** The compact JWS of the receipt whose `entry` this proves. */
  readonly receipt?: string;
  /** The canonical text of the entry. Absent: the file proves a hash, and shows nothing of its content. */
  readonly entry?: string;
  readonly hash: Hex;
  readonly seq: number;
  /** The hashes from the entry upwards to the root of its chunk. */
  readonly path: readonly Uint8Array[];
  /** The text of the leaf. */
  readonly leaf: string;
  /** The leaf's place in the log, and the hashes from the leaf to the root of the checkpoint. */
  readonly index: number;
  readonly proof: readonly Uint8Array[];
  /** The checkpoint as the log served it, a signed note. */
  readonly checkpoint: string;
};

const hashSchema = z.string().check(z.regex(/^0x[0-9a-f]{64}$/));
const nodeSchema = z.string().check(z.regex(/^[A-Za-z0-9+/]{43}=$/));
/** The JSON in the `extra` line of the file. */
const extraSchema = z.strictObject({
  v: z.literal(1),
  receipt: z.exactOptional(z.string().check(z.maxLength(8_192))),
  entry: z.exactOptional(z.string().check(z.maxLength(262_144))),
  hash: hashSchema,
  seq: z.int().check(z.positive()),
  path: z.array(nodeSchema).check(z.maxLength(16)),
  leaf: z.string().check(z.maxLength(300)),
});

/** Writes a proof as a file of https://c2sp.org/tlog-proof. */
export const writeEntryProof = ({ index, proof, checkpoint, path, ...more }: EntryProof): string =>
  writeProofFile({
    extra: utf8(JSON.stringify({ v: 1, ...more, path: path.map(encodeBase64) })),
    ...{ index, proof, checkpoint },
  });

/** Reads a proof without verifying it. @returns undefined for any other text. */
export const parseEntryProof = (text: string): EntryProof | undefined => {
  const file = parseProofFile(text);
  const json = file?.extra === undefined ? undefined : decodeUtf8(file.extra);
  const parsed = json === undefined ? undefined : parseStrictJson(json);
  const extra = parsed?.ok === true ? extraSchema.safeParse(parsed.value) : undefined;
  if (file === undefined || extra?.success !== true) return undefined;
  const { v: _, hash, path, ...more } = extra.data;
  const { index, proof, checkpoint } = file;
  const nodes = path.map((node) => decodeBase64(node) ?? new Uint8Array());
  return { ...more, hash: hash as Hex, path: nodes, index, proof, checkpoint };
};

/**
 * The path of an entry in its chunk. `hashes`: of all entries of the chunk, in order.
 *
 * @returns undefined unless they have the root that the leaf names.
 */
export const chunkPath = (
  leaf: Leaf,
  hashes: readonly Hex[],
  seq: number,
): readonly Uint8Array[] | undefined => {
  const nodes = hashes.map((hash) => leafHash(bytesOf(hash)));
  const place = seq - leaf.first.seq;
  if (place < 0 || place >= nodes.length || !isSame(rootOf(nodes), leaf.root)) return undefined;
  const read: ReadHash = (level, index) =>
    level === 0
      ? (nodes[index] ?? new Uint8Array(HASH_BYTES))
      : rootOf(nodes.slice(index * 2 ** level, (index + 1) * 2 ** level));
  return inclusionProof(place, nodes.length, read);
};

/** Why a proof proves nothing. */
export type ProofFault =
  | 'malformed'
  /** The text of the entry has another hash. */
  | 'entry_altered'
  /** The receipt names another entry or another account. */
  | 'receipt_other'
  /** The hash is not among those of the leaf. */
  | 'entry_outside'
  /** The leaf is not in the tree of the checkpoint. */
  | 'leaf_outside'
  /** No given key signed the checkpoint, or the signature of a given key is invalid. */
  | 'checkpoint_unsigned'
  /** Each key that signed the checkpoint had ended before the entry was written. */
  | 'retired_key'
  /** Each key that signed the checkpoint has ended, and nothing shows that the entry was written before: neither its text nor a witness. */
  | 'undated';

export type ProvenEntry = {
  readonly account: AccountId;
  readonly seq: number;
  readonly hash: Hex;
  readonly index: number;
  readonly checkpoint: Checkpoint;
  /** Witnesses of the given keys that cosigned, and when, Unix seconds: the entry existed then. */
  readonly witnesses: readonly { readonly name: string; readonly at: number }[];
};

/**
 * Verifies that an entry is in a log. It does not verify the signature of the receipt, which a different key made.
 *
 * @param logKeys keys that the reader trusts for this log, as it lists them
 * @param witnesses keys of witnesses that the reader trusts, of type 0x04
 */
export const verifyEntryProof = async (
  text: string,
  logKeys: readonly ListedKey[],
  witnesses: readonly NoteKey[] = [],
): Promise<Result<ProvenEntry, ProofFault>> => {
  const file = parseEntryProof(text);
  const leaf = file && parseLeaf(file.leaf);
  if (file === undefined || leaf === undefined) return err('malformed');
  const { seq, hash } = file;
  let at: number | undefined;
  if (file.entry !== undefined) {
    if (entryTextHash(file.entry) !== hash) return err('entry_altered');
    const entry = entrySchema.safeParse(jsonOf(file.entry));
    const { data } = entry;
    if (data?.account !== leaf.account || data.seq !== seq) return err('entry_outside');
    ({ at } = data);
  }
  if (file.receipt !== undefined) {
    const claims = claimsOf(file.receipt);
    if (claims?.entry !== hash || claims.agent !== leaf.account) return err('receipt_other');
  }
  const place = { hash: leafHash(bytesOf(hash)), index: seq - leaf.first.seq };
  const chunk = { size: leaf.last.seq - leaf.first.seq + 1, root: leaf.root };
  if (!verifyInclusion(place, chunk, file.path)) return err('entry_outside');
  const known = logKeys.map(({ key }) => key);
  const note = await openNote(file.checkpoint, [...known, ...witnesses], verifyNoteSignature);
  if (!note.ok) return err('checkpoint_unsigned');
  const checkpoint = parseCheckpoint(note.value.text);
  const own = note.value.signers.filter(
    (key) =>
      key.type === SIGNATURE_TYPE.note && key.name === checkpoint?.origin && known.includes(key),
  );
  if (checkpoint === undefined || own.length === 0) return err('checkpoint_unsigned');
  const cosigned = note.value.signers
    .filter((key) => witnesses.includes(key))
    .map((key) => {
      const line = note.value.signatures.find(
        ({ name, keyId }) => name === key.name && keyId === keyIdOf(key),
      );
      return { name: key.name, at: (line && cosignedAt(line)) ?? 0 };
    });
  const end = endOfSigning(logKeys, own);
  if (at !== undefined && isSignedTooLate(end, at)) return err('retired_key');
  // Attack: a forger with a retired key removes the text of the entry, and with it the time that would expose the forgery.
  const isDated =
    at !== undefined || cosigned.some((one) => one.at > 0 && !isSignedTooLate(end, one.at));
  if (end !== undefined && !isDated) return err('undated');
  const inTree = { hash: leafHash(utf8(file.leaf)), index: file.index };
  if (!verifyInclusion(inTree, checkpoint, file.proof)) return err('leaf_outside');
  return ok({
    ...{ account: leaf.account, seq, hash, index: file.index, checkpoint },
    witnesses: cosigned,
  });
};

const entrySchema = z.looseObject({ account: z.string(), seq: z.int(), at: z.int() });
const claimsSchema = z.looseObject({ agent: z.string(), entry: hashSchema });

const jsonOf = (text: string): unknown => {
  const parsed = parseStrictJson(text);
  return parsed.ok ? parsed.value : undefined;
};

/** The claims of a receipt, unverified. */
const claimsOf = (receipt: string): z.output<typeof claimsSchema> | undefined => {
  const [, payload = ''] = receipt.split('.');
  const bytes = decodeBase64Url(payload);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  return text === undefined ? undefined : claimsSchema.safeParse(jsonOf(text)).data;
};

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
