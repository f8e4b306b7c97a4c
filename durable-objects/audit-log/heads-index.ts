import {
  createHeadsTree,
  headIn,
  type HeadsTree,
  nodeKey,
  slotHash,
  slotOf,
  SLOTS,
  withHead,
} from '../../src/audit/log/heads.ts';
import { headOfLeaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import { inclusionProof, type ReadHash } from '../../src/audit/log/merkle-tree.ts';
import { encodeBase64 } from '../../src/crypto/bytes.ts';
import type { ProvenHead } from '../../src/protocol/audit-log-contract.ts';
import type { Growth, Tables } from './tables.ts';

/** The index of a log, account → newest leaf (docs/audit-format.md, "Heads"). */
export type HeadsIndex = {
  /** Brings the index up to the leaves with these texts. `write` stores its root and the slots that changed. */
  readonly follow: (
    texts: readonly string[],
    write: (root: Uint8Array, slots: Required<Growth>['slots']) => void,
  ) => void;
  /** Whether the index has the account with an anchor. */
  readonly has: (anchor: Uint8Array) => boolean;
  /**
   * The slot of an account in the index with this root, and the hashes from the slot to the root. @returns undefined if that index is
   * neither the present one nor an earlier one that is still in memory.
   */
  readonly proof: (
    anchor: Uint8Array,
    root: Uint8Array,
  ) => Required<Pick<ProvenHead, 'slot' | 'path'>> | undefined;
};

/** The parts of an index that the next index replaced. */
type Past = {
  readonly root: Uint8Array;
  readonly slots: ReadonlyMap<number, Uint8Array>;
  readonly hashes: ReadonlyMap<number, Uint8Array>;
  readonly bytes: number;
};

/**
 * The pages of an export must belong to one tree while the log grows, so this many indexes stay in memory, about an hour. Attack: if older
 * ones were computed again, a stranger with one leaf could occupy the object.
 */
const MAX_PAST = 360;
const MAX_PAST_BYTES = 16_777_216;
/** Bytes of a hash in a map. */
const NODE_BYTES = 200;

export const openHeadsIndex = (tables: Tables): HeadsIndex => {
  /** The tree over the stored slots, after the first use. */
  let loaded: HeadsTree | undefined;
  /** The oldest first. */
  const past: Past[] = [];

  const load = (): HeadsTree => {
    if (loaded !== undefined) return loaded;
    loaded = createHeadsTree();
    loaded.put(tables.slotHashes());
    return loaded;
  };
  /** The slots of accounts that have some of these leaves, with their newest ones. */
  const slotsWith = (texts: readonly string[]): ReadonlyMap<number, Uint8Array> => {
    const slots = new Map<number, Uint8Array>();
    const accounts = new Set(texts.flatMap((text) => parseLeaf(text)?.account ?? []));
    for (const account of accounts) {
      const anchor = tables.anchorOf(account);
      const newest = tables.lastOf(account);
      if (anchor === undefined || newest === undefined) continue;
      const number = slotOf(anchor);
      const slot = slots.get(number) ?? tables.slot(number);
      slots.set(number, withHead(slot, anchor, headOfLeaf(newest)));
    }
    return slots;
  };
  const keep = (one: Omit<Past, 'bytes'>): void => {
    const slots = [...one.slots.values()].reduce((sum, { length }) => sum + length, 0);
    past.push({ ...one, bytes: slots + one.hashes.size * NODE_BYTES });
    let bytes = past.reduce((sum, each) => sum + each.bytes, 0);
    while (past.length > MAX_PAST || bytes > MAX_PAST_BYTES) bytes -= past.shift()?.bytes ?? bytes;
  };

  return {
    follow(texts, write) {
      const tree = load();
      const root = tree.root();
      const changed = slotsWith(texts);
      const former = new Map([...changed.keys()].map((number) => [number, tables.slot(number)]));
      const hashes = tree.put([...changed].map(([number, slot]) => [number, slotHash(slot)]));
      // A failed write leaves the stored slots unchanged, so drop the tree and read it again.
      loaded = undefined;
      write(
        tree.root(),
        [...changed].map(([number, slot]) => [number, tree.read(0, number), slot]),
      );
      loaded = tree;
      keep({ root, slots: former, hashes });
    },
    has: (anchor) => headIn(tables.slot(slotOf(anchor)), anchor) !== undefined,
    proof(anchor, root) {
      const tree = load();
      const at = past.findLastIndex((one) => isSame(one.root, root));
      const isPresent = isSame(tree.root(), root);
      if (at < 0 && !isPresent) return undefined;
      const since = isPresent ? [] : past.slice(at);
      const read: ReadHash = (level, index) => {
        const key = nodeKey(level, index);
        return (
          since.find(({ hashes }) => hashes.has(key))?.hashes.get(key) ?? tree.read(level, index)
        );
      };
      const number = slotOf(anchor);
      const slot = since.find(({ slots }) => slots.has(number))?.slots.get(number);
      return {
        slot: encodeBase64(slot ?? tables.slot(number)),
        path: inclusionProof(number, SLOTS, read).map(encodeBase64),
      };
    },
  };
};

const isSame = (one: Uint8Array, other: Uint8Array): boolean =>
  one.every((byte, at) => byte === other[at]);
