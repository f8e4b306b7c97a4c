"""The index of a log: the newest leaf of each account, in slots under a tree (docs/audit-format.md, Heads)."""

from __future__ import annotations

from typing import Dict, List, Optional, Set

from merkle import EMPTY_ROOT, leaf_hash, node_hash, root_of

SLOTS, HEIGHT, PAIR = 4096, 12, 64


def slot_of(anchor: bytes) -> int:
    return anchor[0] << 4 | anchor[1] >> 4


def slot_hash(slot: bytes) -> bytes:
    return root_of([leaf_hash(slot[at : at + PAIR]) for at in range(0, len(slot), PAIR)])


def head_in(slot: bytes, anchor: bytes) -> Optional[bytes]:
    pairs = (slot[at : at + PAIR] for at in range(0, len(slot), PAIR))
    return next((pair[32:] for pair in pairs if pair[:32] == anchor), None)


class Index:
    """The index of a log, recomputed from all of its leaves."""

    def __init__(self) -> None:
        self._slots: Dict[int, Dict[bytes, bytes]] = {}
        self._changed: Set[int] = set()
        self._levels: List[Dict[int, bytes]] = [{} for _ in range(HEIGHT + 1)]
        self._blanks = [EMPTY_ROOT]
        for _ in range(HEIGHT):
            self._blanks.append(node_hash(self._blanks[-1], self._blanks[-1]))

    def add(self, anchor: bytes, head: bytes) -> None:
        number = slot_of(anchor)
        self._slots.setdefault(number, {})[anchor] = head
        self._changed.add(number)

    def root(self) -> bytes:
        changed, self._changed = self._changed, set()
        for number in changed:
            slot = self._slots[number]
            self._levels[0][number] = slot_hash(b"".join(anchor + slot[anchor] for anchor in sorted(slot)))
        for level in range(HEIGHT):
            changed = {number >> 1 for number in changed}
            for number in changed:
                self._levels[level + 1][number] = node_hash(self._read(level, 2 * number), self._read(level, 2 * number + 1))
        return self._read(HEIGHT, 0)

    def _read(self, level: int, number: int) -> bytes:
        return self._levels[level].get(number, self._blanks[level])
