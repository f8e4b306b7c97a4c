"""The check `chain`: the entries of an account are consecutive and of that account alone, and each names the hash of the one before."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from entry import GENESIS, Seen
from tally import Tally


class Chain:
    """Sees the entries of one account after another, each account's in order."""

    def __init__(self) -> None:
        self.tally = Tally("chain")
        self._last: Optional[Seen] = None
        self._suspect: Optional[Tuple[Seen, Seen]] = None
        self._missing: Optional[Tuple[str, int, int]] = None
        """The entries that the first gap lacks: account, first and last seq."""
        self._is_filled = False
        """Whether one of these entries came later."""

    def see(self, seen: Seen) -> None:
        last, account = self._last, seen.entry["account"]
        if self._missing is not None and self._missing[0] == account and self._missing[1] <= seen.entry["seq"] <= self._missing[2]:
            self._is_filled = True
        is_same = last is not None and (last.place.file == seen.place.file or last.entry["account"] == account)
        self._blame(seen if is_same else None)
        if last is None or not is_same:
            self._begin(seen)
        else:
            self._follow(seen, last)
        self._last = seen

    def _blame(self, following: Optional[Seen]) -> None:
        """Reports a wrong link between two entries. If the entry after them names the second by its hash, the first was changed; otherwise
        the link was."""
        if self._suspect is None:
            return
        before, after = self._suspect
        if following is not None and following.entry["prev"] == after.hash:
            self.tally.break_at(before, "altered")
        else:
            self.tally.break_at(after, "unlinked", "prev")
        self._suspect = None

    def _begin(self, seen: Seen) -> None:
        seq, account = seen.entry["seq"], seen.entry["account"]
        # Zeros mark the first entry of a chain, and nothing else.
        if (seq == 1) != (seen.entry["prev"] == GENESIS):
            return self.tally.break_at(seen, "unlinked", "prev")
        self.tally.prove()
        if seq > 1:
            self.tally.skip(f"entries 1 to {seq - 1} of {account} are not in the files; export the account from its first entry")
        return None

    def _follow(self, seen: Seen, before: Seen) -> None:
        if seen.entry["account"] != before.entry["account"]:
            self.tally.break_at(seen, "foreign_account", "account")
        elif seen.entry["seq"] != before.entry["seq"] + 1:
            is_gap = seen.entry["seq"] > before.entry["seq"]
            if is_gap and self._missing is None:
                self._missing = seen.entry["account"], before.entry["seq"] + 1, seen.entry["seq"] - 1
            self.tally.break_at(seen, "gap" if is_gap else "repeated", "seq")
        elif seen.entry["prev"] != before.hash:
            self._suspect = (before, seen)
        else:
            self.tally.prove()

    def end(self, accounts: Dict[str, Tuple[int, int]], expected: List[Tuple[str, int]]) -> Dict[str, Any]:
        """`accounts`: first and last seq of each account in the files. `expected`: last seq of each account in the manifest."""
        self._blame(None)
        for account, last in expected:
            found = accounts.get(account)
            if found is None:
                self.tally.skip(f"the chain of {account} is missing")
            elif found[1] < last:
                self.tally.skip(f"entries {found[1] + 1} to {last} of {account} are missing")
        if self._is_filled and self.tally.first is not None and self.tally.first["reason"] == "gap":
            self.tally.first["reason"] = "out_of_order"
        return self.tally.finding()
