"""The leaves of the transparency log: their tree against a checkpoint, and the history of each account in them."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from canonical import NotJson, parse_strict_json, utf16_length
from entry import GENESIS, Place
from export import MAX_BROKEN_LINES, Line, lines_of
from heads_index import Index
from merkle import Leaf, Tree, anchor_of, decode_base64, head_of, is_included, leaf_hash, parse_heads, parse_leaf
from note import BadNote, Checkpoint, parse_checkpoint, read_note
from tally import Tally

FORMER_LOG = "countersign-log/1\n"
MAX_LINE = 131_072
MAX_PROOF = 63


class Placed(NamedTuple):
    """A leaf of a chunk with the name of its log, its index in it, and its place among the leaves of all years."""

    leaf: Leaf
    log: str
    index: int
    ordinal: int
    head: bytes


class Accounts:
    """Leaves by account, over all years."""

    def __init__(self) -> None:
        self.of: Dict[str, List[Placed]] = {}
        self.anchors: Dict[str, bytes] = {}
        """The anchor of each account whose first leaf is known: its key in the index of a log."""
        self.leaves = 0
        """Number of leaves in the years before, including those of other accounts."""

    def add(self, placed: Placed, text: str, may_follow: bool) -> Optional[str]:
        """Adds a leaf. Returns why it does not continue its account, 'follows' if a missing log has the leaf before it, or None.

        Two leaves of one account that begin at the same entry are two histories.
        """
        leaf = placed.leaf
        known = self.of.get(leaf.account)
        if known is None:
            self.of[leaf.account] = [placed]
            if leaf.first == 1:
                self.anchors[leaf.account] = anchor_of(text)
                return None if leaf.prev == GENESIS else "leaf_unlinked"
            return "follows" if may_follow else "leaf_gap"
        before = known[-1].leaf
        known.append(placed)
        if leaf.first <= before.last:
            return "forked"
        if leaf.first != before.last + 1:
            return "leaf_gap"
        return None if leaf.prev == before.last_hash else "forked"


class Leaves:
    """Reads `leaves.ndjson` of a year. Without proofs it holds all leaves of the log; with proofs those of an owner; never a mixture.

    `kept` and `named` are earlier trees that the log must begin with: one from a checkpoint that the reader kept, and the one that
    the log of the next year names.
    """

    def __init__(
        self,
        path: str,
        tree: Checkpoint,
        kept: Optional[Checkpoint],
        named: Optional[Checkpoint],
        accounts: Accounts,
        tally: Tally,
    ) -> None:
        self._name, self._checkpoint, self._kept, self._tally = path, tree, kept, tally
        self._earlier = [each for each in (kept, named) if each is not None and each.origin == tree.origin]
        self._accounts = accounts
        self._tree = Tree()
        self.is_complete = True
        self.index: Optional[bytes] = None
        """The root of the index that the last leaf has."""
        self._logged = Index()
        self._follows = False
        self._last_index = -1
        count = broken = 0
        for line in lines_of(path, MAX_LINE):
            place = Place(path, line.number)
            if line.fault is not None:
                tally.break_with(place, line.fault)
                break
            reason, leaf = self._read(line)
            count += 1
            if reason is None:
                tally.prove()
            elif reason == "follows" and leaf is not None:
                tally.skip(f"the log before {tree.origin} is missing: it has the first leaves of {leaf.account}")
            else:
                tally.break_with(place, reason, None if leaf is None else leaf.account)
                broken += 1
                if broken == MAX_BROKEN_LINES:
                    break
        self._end(Place(path, max(1, count)))
        accounts.leaves += tree.size

    def _read(self, line: Line) -> "tuple[Optional[str], Optional[Leaf]]":
        """Returns why a line is wrong, or None; and the leaf of the line."""
        value = _value(line)
        if value is None:
            return "malformed_leaf", None
        index, text = value["index"], value["leaf"]
        hashed = leaf_hash(text.encode("utf-8", "surrogatepass"))
        reason = self._append(hashed, index, line) if "proof" not in value else self._prove(hashed, index, value["proof"])
        if reason is not None:
            return reason, None
        self._last_index = index
        if index == 0 and text.startswith(FORMER_LOG):
            self._follows = True
            return ("malformed_leaf" if _heading_in(text) is None else None), None
        root = parse_heads(text)
        if root is not None:
            return self._index_leaf(index, root), None
        leaf = parse_leaf(text)
        if leaf is None:
            return "malformed_leaf", None
        before = self._accounts.leaves
        # The export of an owner may lack the first leaf, which shows whether an older log has the leaves before.
        may_follow = before == 0 and (self._follows or not self.is_complete)
        placed = Placed(leaf, self._checkpoint.origin, index, before + index, head_of(text))
        fault = self._accounts.add(placed, text, may_follow)
        if self.is_complete and leaf.account in self._accounts.anchors:
            self._logged.add(self._accounts.anchors[leaf.account], placed.head)
        return fault, leaf

    def _index_leaf(self, index: int, root: bytes) -> Optional[str]:
        # An account has no anchor here if the log with its first leaf is missing.
        can_compute = self.is_complete and len(self._accounts.of) == len(self._accounts.anchors)
        if can_compute and root != self._logged.root():
            return "other_heads"
        if index == self._checkpoint.size - 1:
            self.index = root
        return None

    def _append(self, hashed: bytes, index: int, line: Line) -> Optional[str]:
        # Attack: a line with a proof turns off the comparison of the root at the end, so a later line without a proof could be forged.
        if not self.is_complete:
            return "leaf_not_included"
        if index != self._tree.size:
            return "leaf_missing"
        self._tree.append(hashed)
        if any(each.size == self._tree.size and each.root != self._tree.root() for each in self._earlier):
            self._tally.break_with(Place(self._name, line.number), "other_history")
        return None

    def _prove(self, hashed: bytes, index: int, proof: List[str]) -> Optional[str]:
        self.is_complete = False
        hashes = [decode_base64(each) for each in proof]
        path = [each for each in hashes if each is not None]
        tree = self._checkpoint
        is_proved = (
            self._tree.size == 0
            and index > self._last_index
            and len(path) == len(hashes)
            and is_included(hashed, index, tree.size, tree.root, path)
        )
        return None if is_proved else "leaf_not_included"

    def _end(self, place: Place) -> None:
        size, tree, kept = self._tree.size, self._checkpoint, self._kept
        if not self.is_complete:
            if kept is not None and kept.size != tree.size:
                self._tally.skip("an older checkpoint needs all leaves of the log, which only its operator exports")
        elif size < tree.size:
            self._tally.break_with(place, "leaf_missing")
        elif size > tree.size:
            self._tally.break_with(place, "leaf_beyond_checkpoint")
        elif self._tree.root() != tree.root:
            self._tally.break_with(place, "other_root")
        else:
            self._tally.prove()


def read_heading(path: str) -> Optional[Checkpoint]:
    """The checkpoint of the previous year, which the first leaf of a log names. Its signature needs no check: each log has a signed
    checkpoint of its own."""
    for line in lines_of(path, MAX_LINE):
        value = _value(line)
        if value is None or value["index"] != 0 or not value["leaf"].startswith(FORMER_LOG):
            return None
        return _heading_in(value["leaf"])
    return None


def _heading_in(leaf: str) -> Optional[Checkpoint]:
    try:
        return parse_checkpoint(read_note(leaf[len(FORMER_LOG) :])[0])
    except BadNote:
        return None


def _value(line: Line) -> Optional[Dict[str, Any]]:
    """A line of the file as JSON, or None if it is no leaf."""
    if line.fault is not None:
        return None
    try:
        value = parse_strict_json(line.data)
    except NotJson:
        return None
    return value if _is_leaf(value) else None


def _is_leaf(value: Any) -> bool:
    if not isinstance(value, dict) or not {"index", "leaf"} <= set(value) <= {"index", "leaf", "proof"}:
        return False
    index, leaf, proof = value["index"], value["leaf"], value.get("proof", [])
    if type(index) is not int or index < 0 or not isinstance(leaf, str) or utf16_length(leaf) > 65_536:
        return False
    return isinstance(proof, list) and len(proof) <= MAX_PROOF and all(isinstance(each, str) and len(each) <= 64 for each in proof)
