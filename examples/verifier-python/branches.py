"""What the check `totals` keeps of each account: its policies over time, its children, and what counts in its limits."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from account import Account
from binding import Binder, Missing
from entry import Place
from windows import FOREVER, window_name, windows_of

SLACK = 65
"""Tolerance in seconds when times of two accounts are compared: clocks differ by 5 s, and a policy reaches descendants within 60 s."""


class CallPlace(NamedTuple):
    """Where the acceptance of a call is."""

    place: Place
    account: str
    seq: int


class BelowCall(NamedTuple):
    """A call of a descendant, as an ancestor counts it. `grant`: the grant that the ancestor issued; `parent`: the grant that the
    ancestor holds itself, None for an owner; `policies`: the ancestor's own, as its lease brought them and the acceptance lists them."""

    borrower: str
    grant: str
    parent: Optional[str]
    asset: str
    at: int
    amount: int
    is_lent: bool
    policies: Tuple[str, ...]
    place: CallPlace


class InForce(NamedTuple):
    """A limit that is in force from `start` (inclusive) to `end` (exclusive)."""

    start: int
    end: int
    limit: int


class Branch:
    """`own`: what the account's own calls cost, by asset, counter and start of the period, with the place of the last of these calls."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.changes: List[Tuple[int, str, Optional[str]]] = []
        self.children: Set[str] = set()
        self.own: Dict[Tuple[str, str, int], Tuple[int, CallPlace]] = {}
        self.below: List[BelowCall] = []
        self.leases: List[Tuple[Dict[str, Any], Place]] = []
        self.lent: List[Tuple[Dict[str, Any], Place]] = []
        self.statuses: List[Tuple[int, str]] = []
        self.revocations: List[Tuple[int, str, int]] = []
        self.issuers: List[Tuple[int, str]] = []
        self.last_at = 0
        self.is_read = False
        """Whether all entries of the account were replayed."""

    def read(self, account: Account) -> None:
        self.changes, self.children, self.leases = account.changes, account.children, account.leases
        self.lent, self.statuses, self.revocations = account.lent, account.statuses, account.revocations
        self.issuers = account.issuers
        self.last_at, self.is_read = account.last_at, True

    def spend(self, asset: str, name: str, start: int, amount: int, place: CallPlace) -> None:
        known = self.own.get((asset, name, start))
        self.own[asset, name, start] = (amount + (0 if known is None else known[0]), place)

    def assets(self) -> List[str]:
        return list(dict.fromkeys([*(asset for asset, _, _ in self.own), *(call.asset for call in self.below)]))

    def parents(self) -> List[str]:
        """The grants whose counters the account has."""
        below = [call.parent for call in self.below if call.parent is not None]
        own = [name.split("/")[0] for _, name, _ in self.own if "/" in name]
        return list(dict.fromkeys([*below, *own]))

    def versions(self) -> List[Tuple[int, Dict[str, Optional[str]]]]:
        """The time of each change of the account's two policies, and both policies from then on."""
        slots: Dict[str, Optional[str]] = {"operator": None, "owner": None}
        found = [(0, dict(slots))]
        for at, slot, hashed in self.changes:
            slots["owner" if slot == "owner" else "operator"] = hashed
            # The chain orders its entries; a clock may have stepped back between two of them.
            found.append((max(at, found[-1][0]), dict(slots)))
        return found

    def limits(self, asset: str, binder: Binder, default: Optional[str]) -> Dict[str, List[InForce]]:
        """The limits of the account's own two policies by counter. If both policies limit a counter, the lower limit holds."""
        found: Dict[str, List[InForce]] = {}
        versions = self.versions()
        for index, (start, version) in enumerate(versions):
            end = versions[index + 1][0] if index + 1 < len(versions) else FOREVER
            least: Dict[str, int] = {}
            for hashed in (version["operator"] or default, version["owner"]):
                for name, limit in limits_of(binder, "operator", hashed, asset):
                    least[name] = min(limit, least.get(name, limit))
            for name, limit in least.items():
                found.setdefault(name, []).append(InForce(start, end, limit))
        return found


def limits_of(binder: Binder, kind: str, hashed: Optional[str], asset: str) -> List[Tuple[str, int]]:
    """The counters of a policy and their limits; none if its text is missing."""
    try:
        policy = None if hashed is None else binder.policy(kind, hashed)
    except Missing:
        return []
    return [] if policy is None else [(window_name(each.every), each.limit) for each in windows_of(policy, asset)]
