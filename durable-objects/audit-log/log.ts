import { checkpointText } from '../../src/audit/log/checkpoint.ts';
import { headsText, parseHeads } from '../../src/audit/log/heads.ts';
import { leafText, parseLeaf } from '../../src/audit/log/leaf.ts';
import type { LogKey } from '../../src/audit/log/log-key.ts';
import {
  consistencyProof,
  emptyRoot,
  HASH_BYTES,
  inclusionProof,
  leafHash,
  rangeHash,
  type ReadHash,
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
  ProvenHead,
  ProvenLeaf,
  StoredRun,
} from '../../src/protocol/audit-log-contract.ts';
import { openHeadsIndex } from './heads-index.ts';
import { BUNDLE, type Growth, type StoredTree, type Tables } from './tables.ts';

/** The log signs a checkpoint at most this often, and only when it has grown. */
export const CHECKPOINT_PAUSE: Seconds = 10;
/** The delay after the first leaf of a quiet log, so that further chunks of the same batch share the checkpoint. */
const FIRST_PAUSE: Seconds = 1;
/** The most leaves in one answer. */
const MAX_LEAVES = 500;
/** The most leaves that one alarm adds to the index: after hours without a key there are many. */
const PORTION = 5_000;
/** The first leaf of every log but the gateway's first one. */
const HEADING = 'countersign-log/1\n';

/** The final state of the logs of earlier years. */
export type Before = {
  /** The last checkpoint: the first leaf of a new log names it. */
  readonly checkpoint: string | undefined;
  /** The last entries of accounts of which this log has no leaf. */
  readonly heads: ReadonlyMap<AccountId, LogHead>;
};

/** A transparency log on its tables. Methods of the RPC are synchronous here: each is one transaction or a read. */
export type Log = {
  /** @param before the final state of the log of the year before. */
  readonly append: (runs: readonly StoredRun[], before?: Before) => readonly Appended[];
  readonly headOf: (account: AccountId) => LogHead | undefined;
  readonly status: () => LogStatus;
  readonly tile: (level: number, index: number, width: number) => Uint8Array | undefined;
  /** @param anchor the anchor of the account, if any log has a leaf of it. */
  readonly leavesOf: (
    account: AccountId,
    fromSeq: number,
    range: LeafRange,
    anchor?: Uint8Array,
  ) => LeafPage<ProvenLeaf> | undefined;
  /** Whether the index has the account with this anchor. */
  readonly hasAnchor: (anchor: Uint8Array) => boolean;
  readonly headAt: (anchor: Uint8Array, size: number) => ProvenHead | undefined;
  readonly leaves: (from: number, range: LeafRange) => LeafPage<LogLeaf> | undefined;
  readonly proveGrowth: (old: number, size: number) => readonly Uint8Array[] | undefined;
  /** When the next checkpoint is due; undefined if the newest one covers the log. */
  readonly dueAt: (now: Seconds) => Seconds | undefined;
  /**
   * Signs the stored tree with each key once the index has all of its leaves, which may take several calls. The same tree gets the same
   * bytes, so signing again after a crash adds nothing.
   */
  readonly sign: (keys: readonly [LogKey, ...LogKey[]], now: Seconds) => Promise<void>;
};

/** The log's right edge does not hash to its stored root. Continuing would publish a tree that does not match its leaves. */
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

  /** The newest checkpoint, with the signature lines of the witnesses that have cosigned it. */
  const served = (): { readonly checkpoint?: string } => {
    const { checkpoint, signed } = tree();
    return checkpoint === undefined ? {} : { checkpoint: checkpoint + cosignatures(signed) };
  };
  const pageOf = ({ size: of }: LeafRange): Omit<LeafPage<never>, 'leaves'> | undefined => {
    const { signed } = tree();
    if (of === undefined || of === signed) return { size: signed, ...served() };
    return of >= 0 && of < signed ? { size: of } : undefined;
  };

  /** The texts of `count` leaves from position `from` on. */
  const textsFrom = (from: number, count: number): readonly string[] => {
    const first = Math.floor(from / BUNDLE);
    const bundles = count <= 0 ? 0 : Math.floor((from + count - 1) / BUNDLE) - first + 1;
    return Array.from({ length: bundles }, (_, at) => tables.bundle(first + at))
      .flat()
      .slice(from % BUNDLE, (from % BUNDLE) + count);
  };
  const headOf = (account: AccountId): LogHead | undefined => {
    const leaf = tables.lastOf(account);
    const anchor = leaf && tables.anchorOf(account);
    return leaf && anchor && { ...leaf.last, anchor };
  };
  const grow = (
    texts: readonly Omit<Growth['leaves'][number], 'index'>[],
    more: Pick<Growth, 'slots' | 'carried'>,
  ): void => {
    const from = tree().size;
    const grown = from + texts.length;
    const hashes = texts.map(({ text }) => leafHash(utf8(text)));
    const tiles = appendToTiles(tables.tile, from, hashes);
    const written = new Map(tiles.map(({ bytes, ...place }) => [tilePath(place), bytes]));
    const readGrown: ReadTile = (place) => written.get(tilePath(place)) ?? tables.tile(place);
    tables.grow({
      size: grown,
      root: rangeHash(0, grown, hashesOf(readGrown)),
      tiles,
      leaves: texts.map((leaf, at) => ({ index: from + at, ...leaf })),
      ...more,
    });
  };

  const heads = openHeadsIndex(tables);
  /** The root of the index, from the last leaf of a tree. */
  const closedWith = (size: number): Uint8Array | undefined =>
    parseHeads(textsFrom(size - 1, 1)[0] ?? '');
  /** How many leaves the index contains; after a restart it adds the leaves since the checkpoint again. */
  let followed = 0;
  /**
   * Appends the root of the index as the last leaf: the log signs a checkpoint only of such a tree. @returns whether the index contains all
   * leaves.
   */
  const close = (): boolean => {
    const { size, signed } = tree();
    // The object crashed before it stored the signature.
    if (closedWith(size) !== undefined) return true;
    const from = Math.max(followed, signed);
    const to = Math.min(size, from + PORTION);
    const isLast = to === size;
    heads.follow(textsFrom(from, to - from), (root, slots) =>
      grow(isLast ? [{ leaf: undefined, text: headsText(root) }] : [], { slots }),
    );
    followed = to;
    return isLast;
  };

  /** The proof of an account's head in an earlier tree. */
  const headWith = (
    anchor: Uint8Array | undefined,
    size: number,
    read: ReadHash,
  ): ProvenHead | undefined => {
    const root = closedWith(size);
    const slot = root && anchor && heads.proof(anchor, root);
    if (root === undefined || (anchor !== undefined && slot === undefined)) return undefined;
    const proven = (index: number): ProvenHead['frame'] =>
      textsFrom(index, 1).map((leaf) => ({
        ...{ index, leaf },
        proof: inclusionProof(index, size, read).map(encodeBase64),
      }));
    const first = proven(0).filter(({ leaf }) => leaf.startsWith(HEADING));
    const frame = [...first, ...proven(size - 1)];
    return { frame, ...slot };
  };
  /** Reads each tile once: the proofs of one page share most of their tiles. */
  const readingOnce = (): ReadHash => {
    const tiles = new Map<string, Uint8Array | undefined>();
    return hashesOnce((place) => {
      const path = tilePath(place);
      const bytes = tiles.get(path) ?? tables.tile(place);
      tiles.set(path, bytes);
      return bytes;
    });
  };

  return {
    headOf,
    append(runs, before) {
      const { leaves, verdicts } = sequence(
        runs,
        (account) => tables.lastOf(account)?.last ?? before?.heads.get(account),
      );
      if (leaves.length === 0) return verdicts;
      const heading =
        tree().size === 0 && before?.checkpoint !== undefined
          ? [{ leaf: undefined, text: HEADING + before.checkpoint }]
          : [];
      const carried = leaves.flatMap(({ account }): readonly [AccountId, Uint8Array][] => {
        const anchor = before?.heads.get(account)?.anchor;
        return anchor === undefined ? [] : [[account, anchor]];
      });
      grow([...heading, ...leaves.map((leaf) => ({ leaf, text: leafText(leaf) }))], { carried });
      return verdicts;
    },
    status() {
      const { size: leaves, signed } = tree();
      return { ...served(), size: leaves, signed, signers: tables.signers() };
    },
    tile(level, index, width) {
      // Publish nothing beyond the checkpoint, because a reader could not verify it.
      if (width < 1 || width > tileWidth({ level, index }, tree().signed)) return undefined;
      return tables.tile({ level, index })?.slice(0, width * HASH_BYTES);
    },
    hasAnchor: heads.has,
    headAt: (anchor, size) =>
      size <= tree().signed ? headWith(anchor, size, readingOnce()) : undefined,
    leavesOf(account, fromSeq, range, anchor) {
      const page = pageOf(range);
      if (page === undefined) return undefined;
      const readOnce = readingOnce();
      const head = headWith(anchor, page.size, readOnce);
      const leaves = tables
        .leavesOf(account, fromSeq, most(range))
        // Every later seq finds the newest leaf of the account.
        .filter(
          ({ index, text }) => index < page.size && (parseLeaf(text)?.last.seq ?? 0) >= fromSeq,
        )
        .map((leaf) => ({ ...leaf, proof: inclusionProof(leaf.index, page.size, readOnce) }));
      return { ...page, leaves, ...(head === undefined ? {} : { head }) };
    },
    leaves(from, range) {
      const page = pageOf(range);
      if (page === undefined) return undefined;
      const count = Math.min(page.size - from, most(range));
      const leaves = textsFrom(from, count).map((text, at) => ({ index: from + at, text }));
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
      if (tree().size === tree().signed) return;
      if (!close()) return;
      const { size: leaves, root: hash } = tree();
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
