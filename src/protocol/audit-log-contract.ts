import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from './account-id.ts';

/** The year of the first release: no gateway has an older log. */
export const FIRST_YEAR = 2026;

/** Consecutive entries of one account that D1 has stored: the hash before them and the hash of each. */
export type StoredRun = {
  readonly account: AccountId;
  /** The seq of the first entry. */
  readonly first: number;
  /** The `prev` of the first entry. */
  readonly prev: Hex;
  readonly hashes: readonly Hex[];
};

/** The outcome of a run. */
export type Appended =
  | { readonly verdict: 'appended' }
  /** The log lacks the entries from `expected` on: they must be appended first. */
  | { readonly verdict: 'gap'; readonly expected: number }
  /** The log has another entry under one of its seqs: the account has two histories. */
  | { readonly verdict: 'forked' };

/** The last entry of an account in a log. `anchor`: the key of the account in the index of the log. */
export type LogHead = { readonly seq: number; readonly hash: Hex; readonly anchor: Uint8Array };

export type LogLeaf = { readonly index: number; readonly text: string };

/** A leaf with the hashes that prove it, from the leaf upwards (RFC 6962 §2.1.1). */
export type ProvenLeaf = LogLeaf & { readonly proof: readonly Uint8Array[] };

/**
 * The data with which a reader of one account checks that none of its leaves is missing (docs/audit-format.md, "Heads"). Hashes are base64.
 */
export type ProvenHead = {
  /** The first leaf of the tree, if it names the log of the year before, and the last one, with the root of the index. */
  readonly frame: readonly {
    readonly index: number;
    readonly leaf: string;
    readonly proof: readonly string[];
  }[];
  /** The slot of the account in the index, with the hashes from the slot up to the root; absent if no log has a leaf of the account. */
  readonly slot?: string;
  readonly path?: readonly string[];
};

/** Leaves of a tree that the log has signed, or of the beginning of such a tree. */
export type LeafPage<L extends LogLeaf> = {
  /** The leaves of the tree that the proofs lead to. */
  readonly size: number;
  /** The signed checkpoint of this tree; absent if the log has signed none, or has signed a larger tree since. */
  readonly checkpoint?: string;
  readonly leaves: readonly L[];
  /**
   * Only for leaves of one account; absent if the tree does not end with a checkpoint's last leaf, or if the log no longer has its index in
   * memory.
   */
  readonly head?: ProvenHead;
};

/** The tree to read leaves from (the first `size` leaves, or the newest signed tree), and the most leaves to return. */
export type LeafRange = { readonly size?: number; readonly most: number };

/** A key that signed checkpoints of a log. */
export type LogSigner = {
  /** 32 bytes of Ed25519, base64. */
  readonly publicKey: string;
  /** When the log signed its first checkpoint with it, Unix seconds. */
  readonly from: Seconds;
  /** When the log signed its first checkpoint without it; absent while it signs. */
  readonly until?: Seconds;
};

export type LogStatus = {
  /** The newest signed checkpoint, a signed note; absent before the first one. */
  readonly checkpoint?: string;
  /** Leaves, including those that no checkpoint covers yet. */
  readonly size: number;
  /** Leaves that the checkpoint covers. */
  readonly signed: number;
  /** All keys that signed checkpoints of this log, the newest first; a key that signed again after its end has an element for each time. */
  readonly signers: readonly LogSigner[];
};

/** The object of a transparency log, named by its origin. */
export type AuditLogRpc = {
  /** Appends runs, each as a leaf. The same run again changes nothing. @returns a verdict per run, after they are durable. */
  append(runs: readonly StoredRun[]): Promise<readonly Appended[]>;
  /** The last entry of each account in this log, or in the logs of earlier years; undefined if no log has one. */
  headsOf(accounts: readonly AccountId[]): Promise<readonly (LogHead | undefined)[]>;
  status(): Promise<LogStatus>;
  /** The first `width` hashes of a tile, 32 bytes each; undefined if the checkpoint does not cover them. */
  tile(level: number, index: number, width: number): Promise<Uint8Array | undefined>;
  /**
   * Leaves of an account with their proofs, from the leaf that holds entry `fromSeq` on. @returns undefined for a size that the log has not
   * signed.
   */
  leavesOf(
    account: AccountId,
    fromSeq: number,
    range: LeafRange,
  ): Promise<LeafPage<ProvenLeaf> | undefined>;
  /**
   * Proves the head of the account with an anchor, or that this log has no leaf of it. @returns undefined if no log knows the anchor, or if
   * this log has not signed a tree of that size, or no longer has its index. The newest index is always available.
   */
  headAt(anchor: Uint8Array, size: number): Promise<ProvenHead | undefined>;
  /** Whether this log or that of an earlier year has the account with an anchor. A stranger knows no anchor, so it cannot see a slot. */
  knowsAnchor(anchor: Uint8Array): Promise<boolean>;
  /** Leaves of all accounts in the order of the log, from a place on. @returns undefined for a size that the log has not signed. */
  leaves(from: number, range: LeafRange): Promise<LeafPage<LogLeaf> | undefined>;
  /** The hashes that prove that the tree of `size` leaves extends the one of `old`. */
  proveGrowth(old: number, size: number): Promise<readonly Uint8Array[] | undefined>;
};
