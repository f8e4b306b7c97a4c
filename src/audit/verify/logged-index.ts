import { createHeadsTree, slotHash, slotOf, withHead } from '../log/heads.ts';

/** The index of a log, recomputed from all of its leaves: it finds every root that the operator signed wrongly. */
export type LoggedIndex = {
  readonly add: (anchor: Uint8Array, head: Uint8Array) => void;
  /** The root over the leaves that were added. */
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
