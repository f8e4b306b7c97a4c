"""The check `log`: the transparency log's checkpoints, and the entries under its leaves (docs/audit-log.md)."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, List, Optional, Tuple

from entry import Place, Seen
from export import Export, Unreadable, YearFiles, read_text
from heads import UNPINNED, Heads
from leaves import Placed
from merkle import leaf_hash, root_of
from note import ListedKey, parse_keys
from tally import Tally
from years import Years

_KEY = re.compile(r"[^\s+]+\+[0-9a-f]{8}\+\S+")
MERGE_DELAY = 600
"""An account that began this many seconds before the newest entry under a leaf must have leaves itself."""
NOT_COVERED = (
    "no leaf covers some entries: they are newer than the checkpoint, or their leaf was left out; a new export must have it"
)
MAX_CHUNK = 2_000
"""Entries of a chunk, at most."""
CLOCKS = 5
"""How many seconds the clocks of an account and of its log differ, at most."""


class Log:
    """Reads the leaves first; then sees the entries of each account in order and compares them leaf by leaf."""

    def __init__(self, export: Export, folder: Optional[str], keys: List[str], older: Optional[str]) -> None:
        self.tally = Tally("log")
        years = export.years(folder)
        of_folder = export.log_file("log-key", folder)
        own = "" if of_folder is None else os.path.realpath(of_folder)
        # Attack: the exporter signs another log and puts its key into the folder.
        pinned = [each for each in keys if os.path.realpath(each) != own]
        lists = pinned or ([] if of_folder is None else [of_folder])
        self.is_given, self.is_pinned, self.files = bool(years), bool(pinned), years
        self._leaves: Optional[Years] = None
        self._ends: Dict[str, Seen] = {}
        self._account = ""
        self._own: List[Placed] = []
        self._at = 0
        self._hashes: List[str] = []
        self._newer = 0
        self._unlogged: Dict[str, Tuple[Seen, int]] = {}
        """The first entry and the number of entries of each account without leaves."""
        self._begun: Optional[int] = None
        """Time of the last entry of the first leaf of the log."""
        self._newest = (-1, 0)
        """Place of the newest leaf whose last entry is in the files, and the time of that entry."""
        self._youngest: Dict[str, int] = {}
        """The latest time of a leaf's last entry, by the name of the log."""
        if not years:
            # Readers always give --log-key, so a deleted log is no usage error: the report names it.
            if folder is not None or older is not None:
                raise Unreadable("there are no leaves of a transparency log; give --log with a folder that has log/<year>/leaves.ndjson")
        elif not lists:
            for year in years:
                if year.checkpoint is not None:
                    read_text(year.checkpoint)
            self.tally.skip("the file log-key is missing")
        else:
            self._load(years, lists, older)

    def _load(self, years: List[YearFiles], lists: List[str], older: Optional[str]) -> None:
        keys: List[ListedKey] = []
        for given in lists:
            is_text = _KEY.fullmatch(given) is not None
            found = parse_keys(given if is_text else read_text(given))
            if found is None:
                return self.tally.break_with(Place("--log-key" if is_text else given, 1), "malformed_key")
            keys += found
        read = Years(years, keys, older, self.tally)
        if read.is_read:
            self._leaves = read
        return None

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
            self._note_time(self._own[self._at], seen.entry["at"])
        if seq == leaf.first:
            self._hashes = []
            if seen.entry["prev"] != leaf.prev:
                return self.tally.break_at(seen, "not_as_logged", "prev")
        # The file begins inside the chunk, or an entry is missing, which the check `chain` reports.
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

    def _note_time(self, placed: Placed, at: int) -> None:
        self._youngest[placed.log] = max(at, self._youngest.get(placed.log, at))
        if placed.ordinal == 0:
            self._begun = at
        self._newest = max(self._newest, (placed.ordinal, at), key=lambda each: each[0])

    def _is_overdue(self, first_at: int) -> bool:
        """Whether the log must already have leaves of an account that began at this time."""
        if self._leaves is None or not self._leaves.is_whole or self._begun is None:
            return False
        return self._begun < first_at and first_at + MERGE_DELAY < self._newest[1]

    def heads(self) -> Heads:
        return Heads(self._leaves, self.files, self.is_pinned)

    def position_of(self, account: str, seq: int) -> Optional[Tuple[str, int, int, int]]:
        """Where a log has an entry: name of the log, leaf, place in it from 0, and entries of that leaf."""
        for placed in [] if self._leaves is None else self._leaves.of.get(account, []):
            if placed.leaf.first <= seq <= placed.leaf.last:
                return placed.log, placed.index, seq - placed.leaf.first, placed.leaf.last - placed.leaf.first + 1
        return None

    def end(self) -> Dict[str, Any]:
        if not self.is_given:
            return self.tally.absent("the folder has no leaves of the transparency log")
        for origin, path, until in [] if self._leaves is None else self._leaves.signed:
            if until is not None and self._youngest.get(origin, 0) > until + CLOCKS:
                self.tally.break_with(Place(path, 1), "retired_key")
        logged = {} if self._leaves is None else self._leaves.of
        # Otherwise every account of the files would be reported as missing in the log, and every account of the log as missing in the
        # files.
        is_other = bool(logged) and bool(self._ends) and not self._ends.keys() & logged.keys()
        if is_other and self._leaves is not None:
            self.tally.skip(
                f"{self._leaves.signed[0].origin} has no leaf of any account in the files: "
                "it is the log of another gateway, or the accounts began after its checkpoint"
            )
        for account, placed in [] if is_other else logged.items():
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
        if self._leaves is not None and not self.is_pinned:
            self.tally.bound(UNPINNED, len(self.files))
        if self._newer and not is_other:
            self.tally.bound(NOT_COVERED, self._newer)
        return self.tally.finding()


def _chunk_root(hashes: List[str]) -> bytes:
    return root_of([leaf_hash(bytes.fromhex(each[2:])) for each in hashes])
