import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import { hashOfLeaf, leafText, parseLeaf } from '../../src/audit/log/leaf.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import {
  consistencyProof,
  emptyRoot,
  HASH_BYTES,
  inclusionProof,
  leafHash,
  rangeHash,
} from '../../src/audit/log/merkle-tree.ts';
import { signNote } from '../../src/audit/log/note-signature.ts';
import { sequence } from '../../src/audit/log/sequence.ts';
import { writeNote } from '../../src/audit/log/signed-note.ts';
import {
  appendToTiles,
  hashesOf,
  hashesOnce,
  type ReadTile,
  tilePath,
  tileWidth,
} from '../../src/audit/log/tile.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { encodeBase64, utf8 } from '../../src/crypto/bytes.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type {
  Appended,
  LeafPage,
  LeafRange,
  LogHead,
  LogLeaf,
  LogStatus,
  ProvenLeaf,
  StoredRun,
} from '../../src/protocol/audit-log-contract.ts';
import { BUNDLE, type StoredTree, type Tables } from './tables.ts';

/** A checkpoint at most this often, and only when the log has grown. */
export const CHECKPOINT_PAUSE: Seconds = 10;
/** After the first leaf of a quiet log: further chunks of the same batch share the checkpoint. */
const FIRST_PAUSE: Seconds = 1;
/** Leaves of one answer, at most. */
const MAX_LEAVES = 500;

/** What the logs of the years before end with. */
export type Before = {
  /** The last checkpoint: the first leaf of a new log names it. */
  readonly checkpoint: string | undefined;
  /** The last entries of accounts of which this log has none. */
  readonly heads: ReadonlyMap<AccountId, LogHead>;
};

/** A transparency log on its tables. Methods of the RPC are synchronous here: each is one transaction or a read. */
export type Log = {
  /** @param before what the log of the year before ends with. */
  readonly append: (runs: readonly StoredRun[], before?: Before) => readonly Appended[];
  readonly headOf: (account: AccountId) => LogHead | undefined;
  readonly status: () => LogStatus;
  readonly tile: (level: number, index: number, width: number) => Uint8Array | undefined;
  readonly leavesOf: (
    account: AccountId,
    fromSeq: number,
    range: LeafRange,
  ) => LeafPage<ProvenLeaf> | undefined;
  readonly leaves: (from: number, range: LeafRange) => LeafPage<LogLeaf> | undefined;
  readonly proveGrowth: (old: number, size: number) => readonly Uint8Array[] | undefined;
  /** When the next checkpoint is due; undefined if the newest one covers the log. */
  readonly dueAt: (now: Seconds) => Seconds | undefined;
  /** Signs the stored tree with each key. The same tree gets the same bytes, so a crash after signing signs nothing new. */
  readonly sign: (keys: readonly [LogKey, ...LogKey[]], now: Seconds) => Promise<void>;
};

/** The log's right edge does not lead to its stored root: going on would publish a tree that its leaves do not have. */
export class DamagedLogError extends Error {}

/**
 * Opens a log.
 *
 * @param cosignatures signature lines of witnesses for the tree of a size.
 * @throws DamagedLogError if the stored tiles do not have the stored root.
 */
export const openLog = (tables: Tables, cosignatures: (size: number) => string = () => ''): Log => {
  const empty: StoredTree = {
    size: 0,
    root: emptyRoot(),
    checkpoint: undefined,
    signed: 0,
    signedAt: 0,
  };
  const tree = (): StoredTree => tables.tree() ?? empty;
  const read = hashesOf(tables.tile);
  const { size, root } = tree();
  if (!isSame(rangeHash(0, size, read), root)) {
    throw new DamagedLogError(`The tiles of ${size} leaves do not have the stored root.`);
  }

  /** The newest checkpoint with the lines of those witnesses that have cosigned it. */
  const served = (): { readonly checkpoint?: string } => {
    const { checkpoint, signed } = tree();
    return checkpoint === undefined ? {} : { checkpoint: checkpoint + cosignatures(signed) };
  };
  const pageOf = ({ size: of }: LeafRange): Omit<LeafPage<never>, 'leaves'> | undefined => {
    const { signed } = tree();
    if (of === undefined || of === signed) return { size: signed, ...served() };
    return of >= 0 && of < signed ? { size: of } : undefined;
  };

  return {
    headOf: (account) => tables.lastOf(account)?.last,
    append(runs, before) {
      const { leaves, verdicts } = sequence(
        runs,
        (account) => tables.lastOf(account)?.last ?? before?.heads.get(account),
      );
      if (leaves.length === 0) return verdicts;
      const from = tree().size;
      const heading =
        from === 0 && before?.checkpoint !== undefined
          ? `countersign-log/1\n${before.checkpoint}`
          : undefined;
      const texts = [
        ...(heading === undefined
          ? []
          : [{ leaf: undefined, text: heading, hash: leafHash(utf8(heading)) }]),
        ...leaves.map((leaf) => ({ leaf, text: leafText(leaf), hash: hashOfLeaf(leaf) })),
      ];
      const grown = from + texts.length;
      const tiles = appendToTiles(
        tables.tile,
        from,
        texts.map(({ hash }) => hash),
      );
      const written = new Map(tiles.map(({ bytes, ...place }) => [tilePath(place), bytes]));
      const readGrown: ReadTile = (place) => written.get(tilePath(place)) ?? tables.tile(place);
      tables.grow({
        size: grown,
        root: rangeHash(0, grown, hashesOf(readGrown)),
        tiles,
        leaves: texts.map(({ leaf, text }, at) => ({ index: from + at, leaf, text })),
      });
      return verdicts;
    },
    status() {
      const { size: leaves, signed } = tree();
      return { ...served(), size: leaves, signed, signers: tables.signers() };
    },
    tile(level, index, width) {
      // Beyond the checkpoint nothing is published: a reader could not verify it.
      if (width < 1 || width > tileWidth({ level, index }, tree().signed)) return undefined;
      return tables.tile({ level, index })?.slice(0, width * HASH_BYTES);
    },
    leavesOf(account, fromSeq, range) {
      const page = pageOf(range);
      if (page === undefined) return undefined;
      const tiles = new Map<string, Uint8Array | undefined>();
      const readOnce = hashesOnce((place) => {
        const path = tilePath(place);
        const bytes = tiles.get(path) ?? tables.tile(place);
        tiles.set(path, bytes);
        return bytes;
      });
      const leaves = tables
        .leavesOf(account, fromSeq, most(range))
        // The newest leaf of an account is found for every later seq.
        .filter(
          ({ index, text }) => index < page.size && (parseLeaf(text)?.last.seq ?? 0) >= fromSeq,
        )
        .map((leaf) => ({ ...leaf, proof: inclusionProof(leaf.index, page.size, readOnce) }));
      return { ...page, leaves };
    },
    leaves(from, range) {
      const page = pageOf(range);
      if (page === undefined) return undefined;
      const count = Math.max(0, Math.min(page.size - from, most(range)));
      const first = Math.floor(from / BUNDLE);
      const bundles = count === 0 ? 0 : Math.floor((from + count - 1) / BUNDLE) - first + 1;
      const leaves = Array.from({ length: bundles }, (_, at) => tables.bundle(first + at))
        .flat()
        .slice(from % BUNDLE, (from % BUNDLE) + count)
        .map((text, at) => ({ index: from + at, text }));
      return { ...page, leaves };
    },
    proveGrowth: (old, of) =>
      old >= 0 && old <= of && of <= tree().signed ? consistencyProof(old, of, read) : undefined,
    dueAt(now) {
      const { size: leaves, signed, signedAt } = tree();
      if (leaves === signed) return undefined;
      return Math.max(now + FIRST_PAUSE, signedAt + CHECKPOINT_PAUSE);
    },
    async sign(keys, now) {
      const { size: leaves, root: hash, signed } = tree();
      if (leaves === signed) return;
      const text = checkpointText({ origin: keys[0].key.name, size: leaves, root: hash });
      const signatures = await Promise.all(
        keys.map(async ({ key, privateKey }) => signNote(key, privateKey, text)),
      );
      tables.sign({
        checkpoint: writeNote({ text, signatures }),
        size: leaves,
        at: now,
        publicKeys: keys.map(({ key }) => encodeBase64(key.publicKey)),
      });
    },
  };
};

const most = (range: LeafRange): number => Math.min(MAX_LEAVES, Math.max(0, range.most));

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);
