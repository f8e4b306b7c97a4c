"""The check `totals`: what counted against each limit in each period (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple

import forms
from account import Account, Call
from binding import Binder, Missing
from entry import Place, member
from fields import ZERO_HASH, Malformed
from survey import Survey
from tally import Tally
from windows import every_of, is_window, period_of, window_name, windows_of

LAG = 65
"""Seconds between accounts: clocks differ by 5 s, and a policy reaches the descendants within 60 s."""

GAPS = "no limit was in force in a part of some periods"
EDGES = "some calls of descendants are near the ends of a period or a change of a limit"
CHILDREN = "the chains of some children are missing; export the whole fleet"
LATER = "a chain begins after its first entry; export the account from there"


class Charge(NamedTuple):
    """What one call counts. `seq` and `place` are of its acceptance."""

    at: int
    amount: int
    account: str
    seq: int
    place: Place


class Limits(NamedTuple):
    """What stays of an account's replay: when its policies changed, the grants that it took and accepted, and leases that ended."""

    account: str
    first_at: int
    changes: List[Tuple[int, str, Optional[str]]]
    grants: List[str]
    children: Set[str]
    leases: List[Tuple[Dict[str, Any], int, Place]]


Key = Tuple[str, str]
"""Account, and asset."""


class Totals:
    def __init__(self, survey: Survey, binder: Binder) -> None:
        self.tally = Tally("totals")
        self._survey, self._binder = survey, binder
        self._limits: List[Limits] = []
        self._own: Dict[Key, Dict[Tuple[str, int], List[Charge]]] = {}
        self._below: Dict[Key, Dict[Optional[str], List[Charge]]] = {}
        self._under: Dict[Tuple[str, str, str], List[Charge]] = {}
        self._defaults: Set[str] = set()

    def add(self, account: Account, first_at: int) -> None:
        """Takes the calls of an account that was replayed to its end."""
        self._limits.append(
            Limits(account.name, first_at, account.changes, list(account.grants), account.children, account.leases)
        )
        self._defaults |= account.defaults
        for call in account.calls.values():
            amount = counted(call)
            if amount == 0 or call.credit_to is not None:
                continue
            charge = Charge(call.at, amount, account.name, call.seq, call.place)
            for name, start in call.counted:
                self._own.setdefault((account.name, call.asset), {}).setdefault((name, start), []).append(charge)
            if call.grant is not None:
                self._under.setdefault((account.name, call.grant, call.asset), []).append(charge)
                for ancestor, parent in self._ancestors(call.grant):
                    self._below.setdefault((ancestor, call.asset), {}).setdefault(parent, []).append(charge)

    def _ancestors(self, grant: str) -> Iterator[Tuple[str, Optional[str]]]:
        """The issuers above a grant, each with the grant that it holds itself."""
        for _ in range(8):
            if grant not in self._survey.grants:
                return
            chain_id, delegation = self._survey.grants[grant]
            grant = delegation["parent"]
            yield f"eip155:{chain_id}:{delegation['issuer']}", None if grant == ZERO_HASH else grant
            if grant == ZERO_HASH:
                return

    def end(self) -> Dict[str, Any]:
        for limits in self._limits:
            if limits.children - set(self._survey.accounts):
                self.tally.skip(CHILDREN)
            for key in sorted({k for k in (*self._own, *self._below) if k[0] == limits.account}):
                self._check(limits, key)
            for entry, _, place in limits.leases:
                self._check_lease(entry, place)
        return self.tally.finding()

    def _check(self, limits: Limits, key: Key) -> None:
        own, below = self._own.get(key, {}), self._below.get(key, {})
        names = {name for name, _ in own} | self._names(limits, key[1], below)
        for name in sorted(names):
            parent = name.split("/")[0] if "/" in name else None
            others = below.get(parent, []) if parent is not None else [c for each in below.values() for c in each]
            periods = {start for each, start in own if each == name}
            periods |= {period_of(every_of(name), charge.at)[0] for charge in others}
            for start in sorted(periods):
                self._check_period(limits, key[1], name, start, own.get((name, start), []), others)

    def _names(self, limits: Limits, asset: str, below: Dict[Optional[str], List[Charge]]) -> Set[str]:
        """The counters that descendants' calls count in."""
        found: Set[str] = set()
        hashes = {hashed for _, _, hashed in limits.changes if hashed is not None} | self._defaults
        for hashed in hashes if below else ():
            found |= {window_name(window.every) for window in self._windows("operator", hashed, asset)}
        for grant in (each for each in below if each is not None and each in limits.grants):
            found |= {f"{grant}/{window_name(window.every)}" for window in self._windows("grant", grant, asset)}
        return found

    def _windows(self, kind: str, hashed: str, asset: str) -> List[Any]:
        try:
            return windows_of(self._binder.policy(kind, hashed), asset)
        except Missing:
            return []

    def _check_period(
        self, limits: Limits, asset: str, name: str, start: int, own: List[Charge], others: List[Charge]
    ) -> None:
        end = period_of(every_of(name), start)[1]
        limit, has_gap, since = self._limit(limits, asset, name, start, end)
        if limit is None or has_gap:
            return self.tally.bound(GAPS)
        sure = list(own)
        unsure: List[Charge] = []
        for charge in others:
            if start - LAG <= charge.at < end + LAG:
                is_sure = start + LAG <= charge.at < end - LAG and charge.at >= since + LAG
                (sure if is_sure else unsure).append(charge)
        total = sum(charge.amount for charge in sure)
        if total > limit:
            last = max(sure, key=lambda charge: (charge.at, charge.seq))
            return self.tally.break_with(last.place, "over_limit", last.account, last.seq, name)
        if total + sum(charge.amount for charge in unsure) > limit:
            return self.tally.bound(EDGES)
        return self.tally.prove()

    def _limit(self, limits: Limits, asset: str, name: str, start: int, end: int) -> Tuple[Optional[int], bool, int]:
        """The highest limit in force in a period, whether none was in force in a part of it, and since when it is unchanged."""
        if "/" in name:
            found = self._of("grant", name.split("/")[0], asset, name)
            return found, False, limits.first_at
        default = next(iter(self._defaults)) if len(self._defaults) == 1 else None
        current: Dict[str, Optional[str]] = {"operator": default, "owner": None}
        highest: Optional[int] = None
        has_gap, since, begun = False, limits.first_at, max(start, limits.first_at)
        for at, slot, hashed in [*limits.changes, (end, "", None)]:
            if at > begun:
                found = [self._of(kind, each, asset, name) for kind, each in current.items() if each is not None]
                lowest = min((each for each in found if each is not None), default=None)
                has_gap = has_gap or lowest is None
                highest = lowest if highest is None else max(highest, lowest or 0)
                begun = at
            if at >= end:
                break
            since = max(since, at)
            current[slot] = hashed if hashed is not None or slot == "owner" else default
        return highest, has_gap, since

    def _of(self, kind: str, hashed: str, asset: str, name: str) -> Optional[int]:
        windows = self._windows("grant" if kind == "grant" else "operator", hashed, asset)
        found = [window.limit for window in windows if window_name(window.every) == name.rsplit("/", 1)[-1]]
        return min(found, default=None)

    def _check_lease(self, entry: Dict[str, Any], place: Place) -> None:
        """The borrower's calls under a grant spent at least what it reported, and at most what it got and did not return."""
        try:
            forms.closed_lease(entry)
        except Malformed:
            # The check of signatures names the member.
            return self.tally.break_with(place, "malformed", entry["account"], entry["seq"], "outcome")
        payment = entry["payment"]
        asset, borrower, grant = payment["asset"], payment["to"], payment["grant"]
        if borrower not in self._survey.accounts:
            return self.tally.skip(CHILDREN)
        charges = [
            charge
            for (_, held, counted_asset), all_of in self._under.items()
            for charge in all_of
            if counted_asset == asset and grant in self._grants_from(held)
        ]
        for counter in member(entry, "outcome", "counters") or []:
            last = counter["name"].rsplit("/", 1)[-1]
            if last != "credit" and not is_window(last):
                return self.tally.break_with(place, "malformed", entry["account"], entry["seq"], "outcome.counters")
            every = every_of(counter["name"]) if last != "credit" else "lifetime"
            start, end = period_of(every, counter["start"])
            near = sum(c.amount for c in charges if start - LAG <= c.at < end + LAG)
            sure = sum(c.amount for c in charges if start + LAG <= c.at < end - LAG)
            most = int(counter["granted"]) - int(counter["returned"])
            if near < int(counter["spent"]) or (counter["name"] != "credit" and sure > most):
                return self.tally.break_with(place, "wrong_lease", entry["account"], entry["seq"], "outcome.counters")
            self.tally.prove()
        return None

    def _grants_from(self, grant: str) -> Iterator[str]:
        """A grant and those above it."""
        for _ in range(8):
            yield grant
            if grant not in self._survey.grants:
                return
            grant = self._survey.grants[grant][1]["parent"]
            if grant == ZERO_HASH:
                return


def counted(call: Call) -> int:
    """What a call counts: its charge, or its price while it is open or kept."""
    if call.state in ("held", "parked", "approved", "kept"):
        return call.price
    return call.charged
