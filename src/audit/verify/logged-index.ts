import { createHeadsTree, slotHash, slotOf, withHead } from '../log/heads.ts';

/** The index of a log, recomputed from all leaves. It detects every wrong root that the operator signed. */
export type LoggedIndex = {
  readonly add: (anchor: Uint8Array, head: Uint8Array) => void;
  /** The root over the leaves that were added so far. */
  readonly root: () => Uint8Array;
};

export const createLoggedIndex = (): LoggedIndex => {
  const slots = new Map<number, Uint8Array>();
  const changed = new Set<number>();
  const tree = createHeadsTree();
  return {
    add(anchor, head) {
      const number = slotOf(anchor);
      slots.set(number, withHead(slots.get(number) ?? new Uint8Array(), anchor, head));
      changed.add(number);
    },
    root() {
      tree.put([...changed].map((number) => [number, slotHash(slots.get(number) as Uint8Array)]));
      changed.clear();
      return tree.root();
    },
  };
};
