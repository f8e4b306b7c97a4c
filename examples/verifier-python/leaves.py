"""The leaves of the transparency log: their tree against a checkpoint, and the history of each account in them."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from canonical import NotJson, parse_strict_json
from entry import GENESIS, Place
from export import Line, lines_of
from merkle import Leaf, Tree, decode_base64, is_included, leaf_hash, parse_leaf
from note import Checkpoint
from tally import Tally

FORMER_LOG = "countersign-log/1\n"
MAX_LINE = 131_072
MAX_PROOF = 63


class Placed(NamedTuple):
    """A leaf of a chunk with its index in the log."""

    leaf: Leaf
    index: int


class Leaves:
    """Reads `leaves.ndjson`. Without proofs it holds all leaves of the log; with proofs those of an owner."""

    def __init__(self, path: str, tree: Checkpoint, older: Optional[Checkpoint], tally: Tally) -> None:
        self.of: Dict[str, List[Placed]] = {}
        self._name, self._checkpoint, self._older, self._tally = path, tree, older, tally
        self._tree = Tree()
        self._is_complete = True
        self._follows = False
        self._last_index = -1
        count = 0
        for line in lines_of(path, MAX_LINE):
            place = Place(path, line.number)
            if line.fault is not None:
                tally.break_with(place, line.fault)
                break
            reason, leaf = self._read(line)
            count += 1
            if reason is None:
                tally.prove()
            else:
                tally.break_with(place, reason, None if leaf is None else leaf.account)
        self._end(Place(path, max(1, count)))
        self.is_whole = self._is_complete and not self._follows
        """Whether they are all leaves of a log that follows no earlier one: then every account of the gateway must have some."""

    def _read(self, line: Line) -> "tuple[Optional[str], Optional[Leaf]]":
        """Why a line is wrong, or None; and its leaf."""
        try:
            value = parse_strict_json(line.data)
        except NotJson:
            return "malformed_leaf", None
        if not _is_leaf(value):
            return "malformed_leaf", None
        index, text = value["index"], value["leaf"]
        hashed = leaf_hash(text.encode("utf-8", "surrogatepass"))
        reason = self._append(hashed, index, line) if "proof" not in value else self._prove(hashed, index, value["proof"])
        if reason is not None:
            return reason, None
        self._last_index = index
        if index == 0 and text.startswith(FORMER_LOG):
            self._follows = True
            return None, None
        leaf = parse_leaf(text)
        return ("malformed_leaf", None) if leaf is None else (self._add(Placed(leaf, index)), leaf)

    def _append(self, hashed: bytes, index: int, line: Line) -> Optional[str]:
        if index != self._tree.size:
            return "leaf_missing"
        self._tree.append(hashed)
        older = self._older
        if older is not None and older.size == self._tree.size and older.root != self._tree.root():
            self._tally.break_with(Place(self._name, line.number), "other_history")
        return None

    def _prove(self, hashed: bytes, index: int, proof: List[str]) -> Optional[str]:
        self._is_complete = False
        hashes = [decode_base64(each) for each in proof]
        path = [each for each in hashes if each is not None]
        tree = self._checkpoint
        is_proved = (
            index > self._last_index
            and len(path) == len(hashes)
            and is_included(hashed, index, tree.size, tree.root, path)
        )
        return None if is_proved else "leaf_not_included"

    def _add(self, placed: Placed) -> Optional[str]:
        """Two leaves of one account that begin at one entry are two histories."""
        leaf = placed.leaf
        known = self.of.get(leaf.account)
        if known is None:
            self.of[leaf.account] = [placed]
            if leaf.first == 1:
                return None if leaf.prev == GENESIS else "leaf_unlinked"
            # An owner may not see the first leaf, which says whether an older log holds what came before.
            return None if self._follows or not self._is_complete else "leaf_gap"
        before = known[-1].leaf
        known.append(placed)
        if leaf.first <= before.last:
            return "forked"
        if leaf.first != before.last + 1:
            return "leaf_gap"
        return None if leaf.prev == before.last_hash else "forked"

    def _end(self, place: Place) -> None:
        size, tree, older = self._tree.size, self._checkpoint, self._older
        if not self._is_complete:
            if older is not None and older.size != tree.size:
                self._tally.skip("an older checkpoint needs all leaves of the log, which only its operator exports")
        elif size < tree.size:
            self._tally.break_with(place, "leaf_missing")
        elif size > tree.size:
            self._tally.break_with(place, "leaf_beyond_checkpoint")
        elif self._tree.root() != tree.root:
            self._tally.break_with(place, "other_root")
        else:
            self._tally.prove()


def _is_leaf(value: Any) -> bool:
    if not isinstance(value, dict) or not {"index", "leaf"} <= set(value) <= {"index", "leaf", "proof"}:
        return False
    index, leaf, proof = value["index"], value["leaf"], value.get("proof", [])
    if type(index) is not int or index < 0 or not isinstance(leaf, str) or len(leaf) > 65_536:
        return False
    return isinstance(proof, list) and len(proof) <= MAX_PROOF and all(isinstance(each, str) for each in proof)
