"""The statements of the check `limits` that depend on other accounts: a call draws on limits, and perhaps on credit, of ancestors."""

from __future__ import annotations

from bisect import bisect_left
from typing import Callable, Dict, List, NamedTuple, Optional, Set, Tuple

from account import Account, Call
from ancestor_claims import UNKNOWN
from binding import Binder
from branches import SLACK, Branch, limits_of
from fields import ZERO_HASH
from lender_claims import CHILD_MISSING, CLOCKS
from tally import Tally
from windows import every_of, period_of

FULL = (
    "the prices of all calls of the fleet up to then exceed a limit together: entries do not show which calls held money at once"
)
CREDIT = (
    "calls of the fleet up to then may together have held more credit than there was: entries do not show which calls held it at once"
)
DEFAULTS = "the files name several default policies, but not which one applied to an ancestor"
ENDS = ("call.finished", "call.abandoned", "call.resolved", "call.refused")
HELD = ("held", "parked", "approved", "kept")

Key = Tuple[str, str, str]
"""An account, an asset, and what counts: a grant for its counters, empty for the account's own policies, `credit` for its credit."""


class Pending(NamedTuple):
    """A call whose statement is open. `lends`: its account had children."""

    account: str
    call: Call
    at: int
    lends: bool


class Sums:
    """Amounts by key and time. They are sorted once, so that each question costs two searches."""

    def __init__(self) -> None:
        self._noted: Dict[Key, List[Tuple[int, int]]] = {}
        self._ready: Dict[Key, Tuple[List[int], List[int]]] = {}

    def note(self, key: Key, at: int, amount: int) -> None:
        self._noted.setdefault(key, []).append((at, amount))

    def between(self, key: Key, start: int, end: int) -> int:
        """The sum of the amounts noted from `start` to `end`, both included."""
        if key not in self._ready:
            found = sorted(self._noted.get(key, []))
            before = [0]
            for _, amount in found:
                before.append(before[-1] + amount)
            self._ready[key] = [at for at, _ in found], before
        times, before = self._ready[key]
        return 0 if start > end else before[bisect_left(times, end + 1)] - before[bisect_left(times, start)]


class FleetLimits:
    def __init__(self, binder: Binder) -> None:
        self._binder = binder
        self._holds, self._releases, self._income, self._expenses = Sums(), Sums(), Sums(), Sums()
        self._pending: List[Pending] = []
        self._reading = ""
        self._ended: Set[int] = set()
        """The ended calls of the account that is being read, by `id()`."""

    def _links(self, account: str, grant: Optional[str]) -> List[Tuple[str, str, Optional[str]]]:
        """For a grant and each of its parents: the issuer, the grant, and the grant that the issuer holds itself."""
        on = account.rsplit(":", 1)[0]
        return [
            (f"{on}:{each['issuer']}", hashed, None if each["parent"] == ZERO_HASH else each["parent"])
            for hashed, each in self._binder.links(grant)
        ]

    def _keys(self, account: str, call: Call) -> List[Key]:
        """The counters and the credit that a call draws on: of its own account, and of every account above."""
        found = [(account, call.asset, ""), *([(account, call.asset, call.grant)] if call.grant is not None else [])]
        links = self._links(account, call.grant)
        for issuer, _, parent in links:
            found += [(issuer, call.asset, ""), *([(issuer, call.asset, parent)] if parent is not None else [])]
        if call.paid_by == "credit":
            found.append((account, call.asset, "credit"))
        lender = next((issuer for issuer, hashed, _ in links if hashed == call.lender), None)
        return found if lender is None else [*found, (lender, call.asset, "credit")]

    def begin(self, account: Account, call: Call, at: int, is_pending: bool) -> None:
        if call.credit_to is not None:
            return
        for key in self._keys(account.name, call):
            self._holds.note(key, at, call.price)
        if is_pending:
            self._pending.append(Pending(account.name, call, at, account.lends))

    def step(self, account: Account, kind: str, call: Optional[Call], at: int, before: Dict[str, int]) -> None:
        """Notes what an entry changed. `before`: the credit before it, by asset."""
        if account.name != self._reading:
            self._reading, self._ended = account.name, set()
        if kind != "credit.lent" and (call is None or call.paid_by != "credit"):
            for asset, purse in account.purses.items():
                earned = purse.credit - before.get(asset, 0)
                if earned != 0:
                    (self._income if earned > 0 else self._expenses).note((account.name, asset, ""), at, abs(earned))
        is_over = call is not None and kind in ENDS and call.state not in HELD and id(call) not in self._ended
        if call is None or call.credit_to is not None or not is_over:
            return
        self._ended.add(id(call))
        for key in self._keys(account.name, call):
            self._releases.note(key, at, call.price - call.charged)

    def judge(self, branches: Dict[str, Branch], is_whole: Callable[[str], bool], defaults: Set[str], tally: Tally) -> None:
        wholes: Dict[str, bool] = {}
        known: Dict[Tuple[str, str], List[Tuple[str, List[int], List[int], List[int]]]] = {}
        default = next(iter(defaults)) if len(defaults) == 1 else None

        def courses(account: str, asset: str) -> List[Tuple[str, List[int], List[int], List[int]]]:
            if (account, asset) not in known:
                known[account, asset] = [
                    (name, [each.start for each in limits], [each.end for each in limits], [each.limit for each in limits])
                    for name, limits in branches[account].limits(asset, self._binder, default).items()
                ]
            return known[account, asset]

        def lack(account: str, parent: Optional[str], is_paying: bool, call: Call, at: int) -> Optional[str]:
            if account not in branches or not branches[account].is_read:
                return UNKNOWN
            if account not in wholes:
                wholes[account] = is_whole(account)
            if not wholes[account]:
                return CHILD_MISSING
            if len(defaults) > 1:
                return DEFAULTS
            for name, starts, ends, limits in courses(account, call.asset):
                near = limits[bisect_left(ends, at - SLACK) : bisect_left(starts, at + SLACK + 1)]
                if near and self._drawn((account, call.asset, ""), name, at) > min(near):
                    return FULL
            for name, limit in limits_of(self._binder, "grant", parent, call.asset):
                if self._drawn((account, call.asset, str(parent)), name, at) > limit:
                    return FULL
            if not is_paying:
                return None
            key = (account, call.asset, "")
            credit = self._income.between(key, 0, at + CLOCKS) - self._expenses.between(key, 0, at + SLACK)
            return CREDIT if self._drawn((account, call.asset, "credit"), "lifetime", at) > credit else None

        for account, call, at, lends in self._pending:
            lacks = [lack(account, call.grant, call.paid_by == "credit", call, at)] if lends else []
            for issuer, hashed, parent in self._links(account, call.grant):
                lacks.append(lack(issuer, parent, hashed == call.lender, call, at))
            found = next((each for each in lacks if each is not None), None)
            if found is None:
                tally.prove()
            else:
                tally.bound(found)

    def _drawn(self, key: Key, name: str, at: int) -> int:
        """The most that calls up to `at` can have drawn in the period that contains `at`."""
        if every_of(name) == "lifetime":
            return self._holds.between(key, 0, at + SLACK) - self._releases.between(key, 0, at - CLOCKS)
        return self._holds.between(key, period_of(every_of(name), at - SLACK)[0] - SLACK, at + SLACK)
