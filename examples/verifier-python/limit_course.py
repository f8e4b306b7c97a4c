"""One counter of an account over time (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from bisect import bisect_right
from typing import List, Sequence, Tuple

from binding import Binder
from branches import SLACK, BelowCall, InForce, limits_of
from times import maximum_of
from windows import every_of, period_of


class LimitCourse:
    """The limits in the order of the chain. `near`: the spans of time whose calls may count, disjoint and ascending."""

    def __init__(self, limits: Sequence[InForce]) -> None:
        self._starts = [each.start for each in limits]
        self._ends = [each.end for each in limits]
        self._greatest = maximum_of([each.limit for each in limits])
        self._unbroken = _joined([(each.start, each.end) for each in limits])
        self._breaks = [start for start, _ in self._unbroken]
        self.near = _joined([(each.start - SLACK, each.end + SLACK) for each in limits])

    def covered_from(self, at: int) -> int:
        """Until when the counter was in force without a break from `at` on; `at` if it was not in force then."""
        place = bisect_right(self._breaks, at) - 1
        return self._unbroken[place][1] if place >= 0 and at < self._unbroken[place][1] else at

    def highest_in(self, start: int, end: int) -> int:
        """The greatest limit that may have been in force in a period; -1 without one."""
        return self._greatest(bisect_right(self._ends, start - SLACK), bisect_right(self._starts, end + SLACK))


def _joined(spans: Sequence[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Joins spans that touch or overlap. Ascending spans stay ascending."""
    found: List[Tuple[int, int]] = []
    for start, end in spans:
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def surely_counts(name: str, call: BelowCall, course: LimitCourse, binder: Binder) -> bool:
    """Whether a call certainly counts in a counter. A lease brings policies and the shares of their counters together, so a call that
    lists a policy has drawn on the counters of that policy, however new the policy is."""
    start, end = period_of(every_of(name), call.at)
    if not (name.endswith("lifetime") or (call.at - start >= SLACK and end - call.at > SLACK)):
        return False
    if course.covered_from(call.at - SLACK) > call.at + SLACK:
        return True
    return any(name == known for hashed in call.policies for known, _ in limits_of(binder, "operator", hashed, call.asset))
