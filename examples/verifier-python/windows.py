"""The periods of windows, and the names of counters (docs/audit-format.md, Evaluation: Counters)."""

from __future__ import annotations

import re
from typing import List, Tuple

from policy import Every, Policy, Window

FOREVER = 2**53 - 1
_SECONDS = re.compile("[1-9][0-9]{0,8}s")


def period_of(every: Every, at: int) -> Tuple[int, int]:
    """Start and end (exclusive) of the period of a window that contains a time."""
    if every == "lifetime":
        return 0, FOREVER
    if every == "month":
        # Months from 0000-03-01 on, of any year: the functions of Python's standard library end with the year 9999.
        days = at // 86_400 + 719_468
        era, day = divmod(days, 146_097)
        year = (day - day // 1_460 + day // 36_524 - day // 146_096) // 365
        month = (5 * (day - (365 * year + year // 4 - year // 100)) + 2) // 153
        months = 12 * (400 * era + year) + month
        return _start_of(months), _start_of(months + 1)
    length = {"hour": 3_600, "day": 86_400}.get(str(every)) or int(every)
    start = at - at % length
    return start, start + length


def _start_of(months: int) -> int:
    """The first second of a month, counted from March of the year 0."""
    year, month = divmod(months, 12)
    era, year = divmod(year, 400)
    return 86_400 * (146_097 * era + 365 * year + year // 4 - year // 100 + (153 * month + 2) // 5 - 719_468)


def is_window(name: str) -> bool:
    return name in ("hour", "day", "month", "lifetime") or _SECONDS.fullmatch(name) is not None


def window_name(every: Every) -> str:
    return f"{every}s" if isinstance(every, int) else every


def every_of(name: str) -> Every:
    """The window of a counter, from the counter's name. Names of a grant's counters begin with `<hash>/`."""
    last = name.rsplit("/", 1)[-1]
    return last if last in ("hour", "day", "month", "lifetime") else int(last[:-1])


def windows_of(policy: Policy, asset: str) -> List[Window]:
    """The limits of a policy that count an asset, windows first."""
    found = [window for window in policy.windows if window.asset is None or window.asset == asset]
    return found if policy.lifetime is None else [*found, Window("lifetime", policy.lifetime, None)]
