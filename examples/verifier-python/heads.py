"""The check `heads`: no checkpoint covers an entry of an account that is newer than the files (docs/audit-format.md, Heads)."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Set

from canonical import NotJson, parse_strict_json
from entry import Place
from export import Line, YearFiles, lines_of
from heads_index import HEIGHT, PAIR, SLOTS, head_in, slot_hash, slot_of
from leaves import Placed
from merkle import decode_base64, is_included
from tally import Tally
from years import YearTree, Years

MAX_LINE = 4_194_304
UNPINNED = (
    "the key of the log comes from the export itself, so anyone could have signed it; "
    "get the key from another source and give it with --log-key"
)


class Head(NamedTuple):
    """The head of an account in a proved slot; None if the index does not have the account."""

    head: Optional[bytes]


def proven_head(value: Dict[str, Any], anchor: bytes, root: bytes) -> Optional[Head]:
    """The head that a slot proves for an account; None if the slot is not in the index with this root."""
    slot, path = decode_base64(value["slot"]), [decode_base64(each) for each in value["path"]]
    hashes = [each for each in path if each is not None]
    if slot is None or len(slot) % PAIR or len(hashes) < len(path):
        return None
    if not is_included(slot_hash(slot), slot_of(anchor), SLOTS, root, hashes):
        return None
    return Head(head_in(slot, anchor))


class Heads:
    """Compares the newest leaf of each account in the files with the index of each year."""

    def __init__(self, years: Optional[Years], files: List[YearFiles], is_pinned: bool) -> None:
        self.tally = Tally("heads")
        self._years, self._files, self._is_pinned = years, files, is_pinned
        self._broken: Set[str] = set()

    def end(self, accounts: Iterable[str]) -> Dict[str, Any]:
        if not self._files:
            return self.tally.absent("without a transparency log, nothing proves that the end of a chain is complete")
        trees = [] if self._years is None else self._years.trees
        proven = [set() if tree.is_complete else self._read(tree, files.heads) for tree, files in zip(trees, self._files)]
        for account in accounts:
            if account not in self._broken:
                self._judge(account, trees, proven)
        finding = self.tally.finding()
        if finding["verdict"] == "proved" and trees:
            tree = trees[-1].tree
            finding["note"] = f"nothing newer is under the checkpoint of {tree.size} leaves of {tree.origin}"
        return finding

    def _judge(self, account: str, trees: List[YearTree], proven: List[Set[str]]) -> None:
        if not trees or self._years is None:
            return self.tally.skip("no checkpoint proves anything about these chains")
        placed = self._years.of.get(account)
        if placed is None:
            return self.tally.bound("the log has no leaf of an account yet: no checkpoint covers its entries")
        since = next(at for at, tree in enumerate(trees) if tree.tree.origin == placed[0].log)
        later = range(since, len(trees))
        lacking = [at for at in later if not trees[at].is_complete and account not in proven[at]]
        if account not in self._years.anchors or lacking:
            origin = trees[lacking[0] if lacking else since].tree.origin
            return self.tally.skip(f"nothing proves the newest leaf of {account} in {origin}; export again")
        return self.tally.prove() if self._is_pinned else self.tally.bound(UNPINNED)

    def _read(self, tree: YearTree, path: Optional[str]) -> Set[str]:
        """The accounts whose heads a file proves."""
        found: Set[str] = set()
        if path is None or tree.index is None or self._years is None:
            return found
        for line in lines_of(path, MAX_LINE):
            place = Place(path, line.number)
            if line.fault is not None:
                self.tally.break_with(place, line.fault)
                break
            value = _value(line)
            if value is None:
                self.tally.break_with(place, "malformed_head")
                continue
            account = value["account"]
            anchor = self._years.anchors.get(account)
            if anchor is None:
                continue
            head = proven_head(value, anchor, tree.index)
            if head is None:
                self._break(account, place, "head_not_included")
            else:
                self._compare(account, tree, head, place)
            found.add(account)
        return found

    def _compare(self, account: str, tree: YearTree, head: Head, place: Place) -> None:
        own: List[Placed] = [] if self._years is None else self._years.of.get(account, [])
        newest = next((each.head for each in reversed(own) if each.log == tree.tree.origin), None)
        if newest is not None and head.head is None:
            self._break(account, place, "head_missing")
        elif head.head is not None and head.head != newest:
            self._break(account, place, "leaf_withheld")

    def _break(self, account: str, place: Place, reason: str) -> None:
        self._broken.add(account)
        self.tally.break_with(place, reason, account)


def _value(line: Line) -> Optional[Dict[str, Any]]:
    try:
        value = parse_strict_json(line.data)
    except NotJson:
        return None
    if not isinstance(value, dict) or set(value) != {"account", "slot", "path"}:
        return None
    path = value["path"]
    is_path = isinstance(path, list) and len(path) <= HEIGHT and all(isinstance(each, str) for each in path)
    return value if is_path and isinstance(value["account"], str) and isinstance(value["slot"], str) else None
