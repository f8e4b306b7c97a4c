"""Compares what a lender states about its shares and its credit with the chains of the borrowers (docs/audit-format.md, The checks:
totals)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import Any, Dict, List, Optional, Tuple

from branches import SLACK, BelowCall, Branch
from entry import Place, member, text_in
from tally import Tally
from windows import every_of, is_window, period_of

CHILD_MISSING = "the chain of an account below is not in the files: export the whole fleet"
LATE = "credit was lent after the chain of its borrower was exported"
CLOCKS = 5
"""Seconds that the clocks of two accounts differ by, at most."""

Branches = Dict[str, Branch]
Key = Tuple[Optional[str], Optional[str], Optional[str]]


def _key(entry: Dict[str, Any]) -> Key:
    return text_in(entry, "payment", "to"), text_in(entry, "payment", "grant"), text_in(entry, "payment", "asset")


class _Borrowed:
    """The calls of one borrower under one grant in one asset, in the order of their times."""

    def __init__(self, calls: List[BelowCall]) -> None:
        calls = sorted(calls, key=lambda call: call.at)
        self._times = [call.at for call in calls]
        self._sums = list(accumulate((call.amount for call in calls), initial=0))
        self.lent = sum(call.amount for call in calls if call.is_lent)

    def between(self, start: int, end: int) -> int:
        """The cost of the calls from `start` (inclusive) to `end` (exclusive)."""
        return self._sums[bisect_left(self._times, end)] - self._sums[bisect_left(self._times, start)]


class Loans:
    """What descendants spent of each loan. The calls of an account are sorted once, whatever the number of its entries."""

    def __init__(self, branches: Branches) -> None:
        self._branches = branches
        self._lenders: Dict[str, Dict[Key, _Borrowed]] = {}

    def find(self, lender: str, key: Key) -> _Borrowed:
        if lender not in self._lenders:
            calls: Dict[Key, List[BelowCall]] = {}
            for call in self._branches[lender].below:
                calls.setdefault((call.borrower, call.grant, call.asset), []).append(call)
            self._lenders[lender] = {each: _Borrowed(found) for each, found in calls.items()}
        return self._lenders[lender].get(key) or _Borrowed([])


def _read(branches: Branches, key: Key) -> Optional[Branch]:
    borrower = branches.get(key[0] or "")
    return borrower if borrower is not None and borrower.is_read else None


def check_lease(tally: Tally, branches: Branches, loans: Loans, entry: Dict[str, Any], place: Place) -> None:
    """Checks that the borrower's own calls spent at least what the borrower reported. The check `signatures` validates the form."""
    key = _key(entry)
    calls = loans.find(entry["account"], key)
    counters = member(entry, "outcome", "counters")
    for counter in counters if isinstance(counters, list) else []:
        name = text_in(counter, "name") or ""
        # Lent credit that was spent is in `credit.lent`.
        if name == "credit":
            continue
        start, spent = member(counter, "start"), _amount(text_in(counter, "spent"))
        total = 0
        if is_window(name.rsplit("/", 1)[-1]) and type(start) is int:
            end = period_of(every_of(name), start)[1]
            total = calls.between(start - SLACK, end + SLACK)
        if _read(branches, key) is None:
            tally.skip(CHILD_MISSING)
        elif spent > total:
            tally.break_with(place, "wrong_lease", entry["account"], entry["seq"], "outcome.counters")
        else:
            tally.prove()


def check_lent(tally: Tally, branches: Branches, loans: Loans, lent: List[Tuple[Dict[str, Any], Place]]) -> None:
    """Checks that the calls which a lender's credit paid cost at least what the lender states as spent."""
    sums: Dict[Tuple[str, Key], List[int]] = {}
    last: Dict[Tuple[str, Key], Tuple[Dict[str, Any], Place]] = {}
    for entry, place in lent:
        key = _key(entry)
        borrower = _read(branches, key)
        amount = _amount(entry.get("amounts", {}).get("amount"))
        # A call that ended after the borrower's chain was exported is not in the files.
        is_sure = borrower is not None and entry["at"] + CLOCKS <= borrower.last_at
        found = sums.setdefault((entry["account"], key), [0, 0])
        found[0] += amount if is_sure else 0
        found[1] += amount
        last[entry["account"], key] = (entry, place)
    for (account, key), (sure, total) in sums.items():
        entry, place = last[account, key]
        charged = loans.find(account, key).lent
        if _read(branches, key) is None:
            tally.skip(CHILD_MISSING)
        elif sure > charged:
            tally.break_with(place, "wrong_credit", account, entry["seq"], "amounts.amount")
        elif total > charged:
            tally.bound(LATE)
        else:
            tally.prove()


def _amount(text: Optional[str]) -> int:
    """An amount of an entry whose form another check validates; 0 if the text is no amount."""
    return int(text) if text is not None and len(text) <= 78 and text.isascii() and text.isdigit() else 0
