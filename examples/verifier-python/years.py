"""The transparency log of several years: their checkpoints, and how each year continues the one before (docs/audit-log.md)."""

from __future__ import annotations

from typing import Dict, List, NamedTuple, Optional, Tuple

from entry import Place
from export import YearFiles, read_text
from leaves import Accounts, Leaves, Placed, read_heading
from note import BadNote, Checkpoint, ListedKey, end_of_signing, open_note, parse_checkpoint
from tally import Tally


class _Year(NamedTuple):
    """A year whose checkpoint is signed. `heading`: the checkpoint of the previous year, which the first leaf names."""

    tree: Checkpoint
    checkpoint: str
    leaves: str
    heading: Optional[Checkpoint]


class YearTree(NamedTuple):
    """The tree of a year in the files. `index`: the root of the index that the last leaf has."""

    tree: Checkpoint
    is_complete: bool
    index: Optional[bytes]


class SignedTree(NamedTuple):
    """A checkpoint in a file. `until`: when the last key that signed it stopped signing, or None if one of them still signs."""

    origin: str
    path: str
    until: Optional[int]


class Years:
    """The leaves of all years by account."""

    def __init__(self, years: List[YearFiles], keys: List[ListedKey], older: Optional[str], tally: Tally) -> None:
        self.of: Dict[str, List[Placed]] = {}
        self.anchors: Dict[str, bytes] = {}
        self.trees: List[YearTree] = []
        self.is_read = False
        """Whether every checkpoint has a valid signature; otherwise no leaves are read."""
        self.is_whole = False
        """Whether the files have all leaves since the first log of the gateway: then every account of the gateway must have leaves."""
        self.signed: List[SignedTree] = []
        """The checkpoints of all years."""
        self._keys, self._tally = keys, tally
        opened = self._open_all(years)
        if opened is None:
            return
        self.is_read = True
        opened_kept = None if older is None else self._open(older)
        kept = None if opened_kept is None else opened_kept[0]
        if kept is not None and all(year.tree.origin != kept.origin for year in opened):
            tally.skip(f"the leaves of {kept.origin} are missing, of which a checkpoint was given")
        accounts = Accounts()
        self.of, self.anchors, self.is_whole = accounts.of, accounts.anchors, True
        for at, year in enumerate(opened):
            before = opened[at - 1] if at > 0 else None
            named = opened[at + 1].heading if at + 1 < len(opened) else None
            own = kept if kept is not None and kept.origin == year.tree.origin else None
            self._check_size(year, own)
            self._check_size(year, named)
            found = Leaves(year.leaves, year.tree, own, named, accounts, tally)
            if before is None and found.is_complete and year.heading is not None:
                tally.skip(f"the log {year.heading.origin} is missing, which {year.tree.origin} continues")
            if before is not None and not _continues(year, before):
                if found.is_complete or year.heading is not None:
                    tally.break_with(Place(year.leaves, 1), "log_unlinked")
                else:
                    tally.skip(f"the first leaf of {year.tree.origin} is missing, which names the year before")
            self.trees.append(YearTree(year.tree, found.is_complete, found.index))
            self.is_whole = self.is_whole and found.is_complete and (before is not None or year.heading is None)

    def _open_all(self, years: List[YearFiles]) -> Optional[List[_Year]]:
        opened: List[_Year] = []
        for leaves, checkpoint, _ in years:
            if checkpoint is None:
                self._tally.skip(f"the checkpoint of {leaves} is missing")
                return None
            found = self._open(checkpoint)
            if found is None:
                return None
            tree, until = found
            self.signed.append(SignedTree(tree.origin, checkpoint, until))
            if opened and not _is_later(opened[-1].tree.origin, tree.origin):
                self._tally.break_with(Place(checkpoint, 1), "other_origin")
                return None
            opened.append(_Year(tree, checkpoint, leaves, read_heading(leaves)))
        return opened

    def _open(self, path: str) -> Optional[Tuple[Checkpoint, Optional[int]]]:
        """A signed checkpoint, and when the last key that signed it stopped signing."""
        try:
            text, signers = open_note(read_text(path), [each.key for each in self._keys])
            found = parse_checkpoint(text)
            own = {key for key in signers if key.name == found.origin}
            if not own:
                raise BadNote("other_origin")
        except BadNote as fault:
            self._tally.break_with(Place(path, 1), fault.reason)
            return None
        self._tally.prove()
        return found, end_of_signing(self._keys, own)

    def _check_size(self, year: _Year, earlier: Optional[Checkpoint]) -> None:
        """An earlier tree must not be larger, and one of the same size must be the same. Smaller ones are compared with the leaves."""
        tree = year.tree
        if earlier is None or earlier.origin != tree.origin:
            return
        if earlier.size > tree.size:
            self._tally.break_with(Place(year.checkpoint, 2), "rolled_back")
        elif earlier.size == tree.size and earlier.root != tree.root:
            self._tally.break_with(Place(year.checkpoint, 3), "other_history")


def _continues(year: _Year, before: _Year) -> bool:
    return year.heading is not None and year.heading.origin == before.tree.origin


def _is_later(before: str, origin: str) -> bool:
    return before[:-4] == origin[:-4] and before[-4:] < origin[-4:]
