import {
  createHeadsTree,
  headIn,
  type HeadsTree,
  slotHash,
  slotOf,
  SLOTS,
  withHead,
} from '../../src/audit/log/heads.ts';
import { hashOfLeaf, parseLeaf } from '../../src/audit/log/leaf.ts';
import { inclusionProof } from '../../src/audit/log/merkle-tree.ts';
import { encodeBase64 } from '../../src/crypto/bytes.ts';
import type { ProvenHead } from '../../src/protocol/audit-log-contract.ts';
import type { Growth, Tables } from './tables.ts';

/** The index of a log, account → newest leaf (docs/audit-format.md, "Heads"). */
export type HeadsIndex = {
  /** The root of the index over all leaves, and the slots that the leaves from position `from` on changed. */
  readonly closed: (
    from: number,
  ) => Required<Pick<Growth, 'slots'>> & { readonly root: Uint8Array };
  /** Whether the index has the account with this anchor. */
  readonly has: (anchor: Uint8Array) => boolean;
  /** The slot of an account in the index over the first `size` leaves, with the hashes from the slot up to the root. */
  readonly proof: (anchor: Uint8Array, size: number) => Required<Pick<ProvenHead, 'slot' | 'path'>>;
};

/** An index over the first `size` leaves. `slots`: the slots that later leaves changed. */
type PastIndex = {
  readonly size: number;
  readonly slots: ReadonlyMap<number, Uint8Array>;
  readonly tree: HeadsTree;
};

/** @param textsFrom reads the texts of all leaves from a position on. */
export const openHeadsIndex = (
  tables: Tables,
  textsFrom: (from: number) => readonly string[],
): HeadsIndex => {
  /** All pages of an export are of one tree, while the log keeps growing. So the index of that tree is computed once. */
  let past: PastIndex | undefined;

  /** The slots of accounts with leaves from position `from` on. Their heads are the newest leaves before position `below`. */
  const slotsSince = (from: number, below?: number): ReadonlyMap<number, Uint8Array> => {
    const slots = new Map<number, Uint8Array>();
    const accounts = new Set(textsFrom(from).flatMap((text) => parseLeaf(text)?.account ?? []));
    for (const account of accounts) {
      const anchor = tables.anchorOf(account);
      if (anchor === undefined) continue;
      const number = slotOf(anchor);
      const newest = tables.lastOf(account, below);
      const slot = slots.get(number) ?? tables.slot(number);
      slots.set(number, withHead(slot, anchor, newest && hashOfLeaf(newest)));
    }
    return slots;
  };
  const treeWith = (slots: ReadonlyMap<number, Uint8Array>): HeadsTree => {
    const tree = createHeadsTree();
    tree.put(tables.slotHashes());
    tree.put([...slots].map(([number, slot]) => [number, slotHash(slot)]));
    return tree;
  };

  return {
    closed(from) {
      const slots = slotsSince(from);
      const tree = treeWith(slots);
      past = undefined;
      return {
        root: tree.root(),
        slots: [...slots].map(([number, slot]) => [number, tree.read(0, number), slot]),
      };
    },
    has: (anchor) => headIn(tables.slot(slotOf(anchor)), anchor) !== undefined,
    proof(anchor, size) {
      if (past?.size !== size) {
        const slots = slotsSince(size, size);
        past = { size, slots, tree: treeWith(slots) };
      }
      const number = slotOf(anchor);
      return {
        slot: encodeBase64(past.slots.get(number) ?? tables.slot(number)),
        path: inclusionProof(number, SLOTS, past.tree.read).map(encodeBase64),
      };
    },
  };
};
