"""The check `log`: the transparency log's checkpoint, and the entries under its leaves (docs/audit-log.md)."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Tuple

from entry import Place, Seen
from export import Export, Unreadable, read_text
from leaves import Leaves, Placed
from merkle import leaf_hash, root_of
from note import BadNote, Checkpoint, NoteKey, open_note, parse_checkpoint, parse_key
from tally import Tally

_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+\S+")
MERGE_DELAY = 600
"""An account that began this many seconds before the newest entry under a leaf must have leaves itself."""
MAX_CHUNK = 2_000
"""Entries of a chunk, at most."""


class Log:
    """Reads the leaves first; then sees the entries of each account in order and compares them leaf by leaf."""

    def __init__(self, export: Export, folder: Optional[str], key: Optional[str], older: Optional[str]) -> None:
        self.tally = Tally("log")
        leaves, checkpoint = export.log_file("leaves.ndjson", folder), export.log_file("checkpoint", folder)
        key_path = key or export.log_file("log-key", folder)
        self.is_given = leaves is not None
        self._leaves: Optional[Leaves] = None
        self._ends: Dict[str, Seen] = {}
        self._account = ""
        self._own: List[Placed] = []
        self._at = 0
        self._hashes: List[str] = []
        self._newer = 0
        self._unlogged: Dict[str, Tuple[Seen, int]] = {}
        """Of accounts without leaves the first entry, and how many there are."""
        self._begun: Optional[int] = None
        """Time of the last entry of the first leaf of the log."""
        self._newest = (-1, 0)
        """Index of the newest leaf whose last entry is in the files, and the time of that entry."""
        if leaves is None:
            if key is not None or older is not None:
                raise Unreadable("there are no leaves of a transparency log; give --log with a folder that has them")
        elif checkpoint is None or key_path is None:
            self.tally.skip(f"the file {'checkpoint' if checkpoint is None else 'log-key'} of the log is missing")
        else:
            self._load(leaves, checkpoint, key_path, older)

    def _load(self, leaves: str, checkpoint: str, key_given: str, older_path: Optional[str]) -> None:
        is_text = _KEY.fullmatch(key_given) is not None
        key = parse_key(key_given if is_text else read_text(key_given).strip())
        if key is None:
            return self.tally.break_with(Place("--log-key" if is_text else key_given, 1), "malformed_key")
        tree = self._open(checkpoint, key)
        if tree is None:
            return None
        older = None if older_path is None else self._open(older_path, key)
        if older is not None and older.size > tree.size:
            self.tally.break_with(Place(checkpoint, 2), "rolled_back")
        if older is not None and older.size == tree.size and older.root != tree.root:
            self.tally.break_with(Place(checkpoint, 3), "other_history")
        self._leaves = Leaves(leaves, tree, older, self.tally)
        return None

    def _open(self, path: str, key: NoteKey) -> Optional[Checkpoint]:
        try:
            found = parse_checkpoint(open_note(read_text(path), key))
            if found.origin != key.name:
                raise BadNote("other_origin")
        except BadNote as fault:
            self.tally.break_with(Place(path, 1), fault.reason)
            return None
        self.tally.prove()
        return found

    def see(self, seen: Seen) -> None:
        if self._leaves is None:
            return None
        account, seq = seen.entry["account"], seen.entry["seq"]
        if account != self._account:
            self._account, self._own, self._at, self._hashes = account, self._leaves.of.get(account, []), 0, []
        self._ends[account] = seen._replace(entry={"account": account, "seq": seq})
        while self._at < len(self._own) and self._own[self._at].leaf.last < seq:
            self._at += 1
        if self._at == len(self._own):
            if self._own:
                self._newer += 1
            else:
                first, count = self._unlogged.get(account, (seen, 0))
                self._unlogged[account] = (first, count + 1)
            return None
        leaf = self._own[self._at].leaf
        if seq == leaf.last:
            self._note_time(self._own[self._at].index, seen.entry["at"])
        if seq == leaf.first:
            self._hashes = []
            if seen.entry["prev"] != leaf.prev:
                return self.tally.break_at(seen, "not_as_logged", "prev")
        # The file begins inside of the chunk, or an entry is missing, which breaks the chain.
        if len(self._hashes) != seq - leaf.first:
            return None
        if len(self._hashes) >= MAX_CHUNK:
            return self.tally.break_at(seen, "leaf_too_long")
        self._hashes.append(seen.hash)
        if seq < leaf.last:
            return None
        if seen.hash != leaf.last_hash or _chunk_root(self._hashes) != leaf.root:
            return self.tally.break_at(seen, "not_as_logged")
        return self.tally.prove(len(self._hashes))

    def _note_time(self, index: int, at: int) -> None:
        if index == 0:
            self._begun = at
        self._newest = max(self._newest, (index, at), key=lambda each: each[0])

    def _is_overdue(self, first_at: int) -> bool:
        """Whether the log would have leaves of an account that began at a time."""
        if self._leaves is None or not self._leaves.is_whole or self._begun is None:
            return False
        return self._begun < first_at and first_at + MERGE_DELAY < self._newest[1]

    def position_of(self, account: str, seq: int) -> Optional[Tuple[int, int, int]]:
        """Where the log has an entry: leaf, place in it from 0, and entries of that leaf."""
        for placed in [] if self._leaves is None else self._leaves.of.get(account, []):
            if placed.leaf.first <= seq <= placed.leaf.last:
                return placed.index, seq - placed.leaf.first, placed.leaf.last - placed.leaf.first + 1
        return None

    def end(self) -> Dict[str, Any]:
        if not self.is_given:
            return self.tally.absent("the folder has no leaves of the transparency log")
        for account, placed in ({} if self._leaves is None else self._leaves.of).items():
            last, found = placed[-1].leaf.last, self._ends.get(account)
            if found is None:
                self.tally.skip(f"the chain of {account} is missing, and the log has its entries 1 to {last}")
            elif found.entry["seq"] < last:
                self.tally.break_at(found, "truncated")
        for first, count in self._unlogged.values():
            if self._is_overdue(first.entry["at"]):
                self.tally.break_at(first, "not_in_log")
            else:
                self._newer += count
        if self._newer:
            self.tally.bound("some entries are newer than the checkpoint; export again to cover them", self._newer)
        return self.tally.finding()


def _chunk_root(hashes: List[str]) -> bytes:
    return root_of([leaf_hash(bytes.fromhex(each[2:])) for each in hashes])
