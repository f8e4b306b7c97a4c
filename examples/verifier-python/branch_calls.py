"""The calls that count in the limits of one account, indexed once for all its counters."""

from __future__ import annotations

from bisect import bisect_left
from typing import Dict, List, Optional, Tuple

from branches import BelowCall, Branch, CallPlace

Key = Tuple[str, Optional[str]]


class BranchCalls:
    def __init__(self, branch: Branch) -> None:
        self._own: Dict[Tuple[str, str], List[Tuple[int, int, CallPlace]]] = {}
        for (asset, name, start), (amount, place) in branch.own.items():
            self._own.setdefault((asset, name), []).append((start, amount, place))
        self._below: Dict[Key, List[Tuple[int, BelowCall]]] = {}
        for rank, call in sorted(enumerate(branch.below), key=lambda each: each[1].at):
            keys: List[Key] = [(call.asset, None)]
            if call.parent is not None:
                keys.append((call.asset, call.parent))
            for key in keys:
                self._below.setdefault(key, []).append((rank, call))
        self._times = {key: [call.at for _, call in found] for key, found in self._below.items()}

    def own(self, asset: str, counter: str) -> List[Tuple[int, int, CallPlace]]:
        """What its own calls spent of a counter: start of the period, amount, place."""
        return self._own.get((asset, counter), [])

    def below(self, asset: str, parent: Optional[str], start: int, end: int) -> List[Tuple[int, BelowCall]]:
        """The calls of descendants from `start` (inclusive) to `end` (exclusive), each with its place in the order of the files. `parent`:
        only calls by a grant below this one."""
        times = self._times.get((asset, parent), [])
        return self._below.get((asset, parent), [])[bisect_left(times, start) : bisect_left(times, end)]
