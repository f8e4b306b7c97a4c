"""Values over time. A lookup is a binary search, so that many lookups in a long chain stay cheap."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Callable, Dict, Generic, Hashable, List, Sequence, Tuple, TypeVar

T = TypeVar("T", bound=Hashable)


def places_in(starts: Sequence[int], start: int, end: int) -> Tuple[int, int]:
    """The index range, last index excluded, of the values that may have been in force at some time from `start` to `end`."""
    return max(0, bisect_right(starts, start) - 1), bisect_right(starts, end)


class Course(Generic[T]):
    """`starts`: when each value began, ascending."""

    def __init__(self, starts: Sequence[int], values: Sequence[T]) -> None:
        self.starts, self.values = list(starts), list(values)
        self._places: Dict[T, List[int]] = {}
        for place, value in enumerate(self.values):
            self._places.setdefault(value, []).append(place)

    def held_in(self, value: T, start: int, end: int) -> Tuple[bool, bool]:
        """Whether a value was in force all the time from `start` to `end`, and whether it was for a part of that time."""
        first, after = places_in(self.starts, start, end)
        places = self._places.get(value, [])
        count = bisect_left(places, after) - bisect_left(places, first)
        return count == after - first, count > 0


def maximum_of(values: Sequence[int]) -> Callable[[int, int], int]:
    """Returns a function that finds the greatest value in a range of indexes; -1 for an empty range."""
    # A sparse table: each level has the greatest of the 2^level values from each index on.
    levels: List[List[int]] = [list(values)]
    width = 1
    while width * 2 <= len(values):
        last = levels[-1]
        levels.append([max(last[at], last[at + width]) for at in range(len(values) - width * 2 + 1)])
        width *= 2

    def greatest(start: int, end: int) -> int:
        if start >= end:
            return -1
        level = (end - start).bit_length() - 1
        return max(levels[level][start], levels[level][end - 2**level])

    return greatest
