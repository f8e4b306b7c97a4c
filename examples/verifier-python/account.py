"""What the replay of an account keeps: policies, grants, counters, purses and calls (docs/audit-format.md, Recomputing decisions)."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Set, Tuple

from entry import Place, member, text_in
from evaluation import MAX_REQUESTS, Repeat, Source, Subject, live_repeats, next_arrival
from fields import Malformed, split_account
from forms import delegation
from typed_data import delegation_digest
from windows import every_of, period_of


class Claim(NamedTuple):
    """What the entry of a call states about one ancestor: its grant and its policies, as the lease delivered them."""

    ancestor: str
    grant: str
    operator: Optional[str]
    owner: Optional[str]
    is_denial: bool
    at: int
    seq: int
    place: Place


class Purse:
    """The money of an account in one asset, in atomic units."""

    __slots__ = ("credit", "credit_held", "deferred_held", "upfront_held", "unsettled", "settled", "bounced", "bounced_until")

    def __init__(self) -> None:
        self.credit = self.credit_held = self.deferred_held = self.upfront_held = 0
        self.unsettled = self.settled = self.bounced = self.bounced_until = 0


class Call:
    """One call. `state`: parked, approved, held, kept, committed, released, abandoned. `payment`: none, held, queued, settled, released,
    failed. `periods`: the counters that hold its price, with the period of each."""

    __slots__ = (
        "at", "seq", "place", "tool", "request", "policy", "until", "grant", "lender", "price", "asset", "paid_by", "state", "payment", "fault", "charged", "credit_to",
        "periods", "counted", "refunded", "is_bounced", "has_answer", "is_permit",
    )  # fmt: skip

    def __init__(self, entry: Dict[str, Any], place: Place) -> None:
        self.at: int = entry["at"]
        self.seq: int = entry["seq"]
        self.place = place
        self.tool, self.request, self.policy = entry.get("tool"), entry.get("request"), entry.get("policy")
        until = member(entry, "outcome", "until")
        self.until = until if entry["type"] == "call.parked" and type(until) is int else None
        self.grant: Optional[str] = text_in(entry, "payment", "grant")
        self.lender: Optional[str] = text_in(entry, "payment", "lender")
        self.price = int(entry.get("amounts", {}).get("price", "0"))
        self.asset = str(member(entry, "payment", "asset") or "")
        self.paid_by = str(member(entry, "payment", "paidBy") or "free")
        self.credit_to: Optional[str] = text_in(entry, "payment", "creditTo")
        self.state = "parked" if entry["type"] == "call.parked" else "held"
        self.payment = "held" if self.paid_by in ("deferred", "upfront") else "none"
        self.fault: Optional[str] = None
        self.charged = self.refunded = 0
        self.periods: List[Tuple[str, int]] = []
        self.counted: List[Tuple[str, int]] = []
        self.is_bounced = self.has_answer = False
        self.is_permit = self.paid_by == "deferred" and text_in(entry, "evidence", "facilitator") is not None
        """Whether a Permit2 permit pays after the tool, so that any part of its value may move."""


    def amount(self) -> int:
        """What its payment moves: a permit that pays after its tool moves the charge, once the tool has succeeded and charged."""
        return self.charged if self.is_permit and self.state == "committed" and self.charged > 0 else self.price

    def rest(self) -> int:
        """What its payment moves beyond the charge of a metered call: credit as soon as the payment has settled."""
        return self.amount() - self.charged if self.state == "committed" and self.paid_by in ("deferred", "upfront") else 0


class CutOff(NamedTuple):
    """A cut-off that an entry names: the account `by` ended one of the grants `issued` by it."""

    by: str
    issued: List[str]
    at: int
    seq: int
    place: Place


class HeldGrant:
    """A grant that the account took. `state`: active, revoked, superseded. `is_cut_off`: an owner permanently revoked a grant above it."""

    __slots__ = ("delegation", "is_cut_off", "state")

    def __init__(self, taken: Dict[str, Any]) -> None:
        self.delegation, self.state = taken, "active"
        self.is_cut_off = False


class Screening(NamedTuple):
    """The last screening of an account. A source that does not answer leaves a listed account listed."""

    is_listed: bool
    passes: bool
    at: int

    def forbids(self, at: int) -> bool:
        """Whether it forbids calls: a listed account until it is cleared, an unanswered screening for a minute."""
        return not self.passes and (self.is_listed or at < self.at + UNANSWERED_STANDS)


UNANSWERED_STANDS = 60
"""Seconds for which a screening without an answer decides."""


class Account:
    def __init__(self, name: str) -> None:
        self.name = name
        self.chain_id = split_account(name)[0]
        self.status = "active"
        self.policies: Dict[str, Optional[str]] = {"operator": None, "owner": None}
        self.grants: Dict[str, HeldGrant] = {}
        self.above: List[str] = []
        self.cut_off = 0
        """`above`: the ancestors that the last grant named, nearest first. `cut_off`: how many of the nearest were cut off since."""
        self.cut_offs: List[CutOff] = []
        self.issuers: List[Tuple[int, str]] = []
        """Time and issuer of each grant that the account took."""
        self.lends = False
        self.lacks_texts = False
        self.is_governed = False
        self.arrivals: Dict[str, float] = {"base": 0.0, "owner": 0.0}
        self.repeats: Dict[str, List[Repeat]] = {"base": [], "owner": []}
        self.counters: Dict[Tuple[str, str], List[int]] = {}
        self.purses: Dict[str, Purse] = {}
        self.calls: Dict[str, Call] = {}
        self.received: Dict[Tuple[str, str], int] = {}
        self.changes: List[Tuple[int, str, Optional[str]]] = []
        """Time, slot and new hash of each change of the account's policies."""
        self.children: Set[str] = set()
        self.leases: List[Tuple[Dict[str, Any], Place]] = []
        self.lent: List[Tuple[Dict[str, Any], Place]] = []
        self.claims: List[Claim] = []
        self.statuses: List[Tuple[int, str]] = [(0, "active")]
        self.revocations: List[Tuple[int, str, int]] = []
        """Time, grant id and epoch of each revocation."""
        self.screened: Dict[str, Screening] = {}
        """The last screenings of the account and of ancestors whose credit it spent."""
        self.last_at = 0
        self.defaults: Set[str] = set()

    def purse(self, asset: str) -> Purse:
        return self.purses.setdefault(asset, Purse())

    def counter(self, asset: str, name: str, at: int) -> List[int]:
        """Start, spent and held of a counter as of a time. A period that is over starts again from zero."""
        start = period_of(every_of(name), at)[0]
        known = self.counters.get((asset, name))
        return known if known is not None and known[0] >= start else [start, 0, 0]

    def hold(self, call: Call, sources: List[Source], at: int) -> None:
        """Holds the price of a call in its source of money, and in each counter of the account's own policies once."""
        self.move_hold(call, call.price)
        names = {counter.key for source in sources if source.is_own for counter in source.counters}
        call.periods = []
        for name in sorted(names) if call.credit_to is None else ():
            found = self.counter(call.asset, name, at)
            self.counters[call.asset, name] = [found[0], found[1], found[2] + call.price]
            call.periods.append((name, found[0]))
        call.counted = list(call.periods)

    def move_hold(self, call: Call, amount: int) -> None:
        purse = self.purse(call.asset)
        if call.paid_by == "deferred":
            purse.deferred_held += amount
        elif call.paid_by == "upfront":
            purse.upfront_held += amount
        elif call.paid_by == "credit":
            purse.credit_held += amount

    def lift_hold(self, call: Call, by: int) -> None:
        """Removes the hold of a call from its purse and counters (`by` is minus the price), or adds it back (`by` is the price)."""
        self.move_hold(call, by)
        for name, start in call.periods:
            found = self.counters.get((call.asset, name))
            if found is not None and found[0] == start:
                found[2] += by

    def end_hold(self, call: Call, charged: int) -> None:
        """Ends the hold of the price in the counters, and adds `charged` to what they spent. A period that is over does not change."""
        for name, start in call.periods:
            found = self.counters.get((call.asset, name))
            if found is not None and found[0] == start:
                found[1] += charged
                found[2] -= call.price
        call.periods = []

    def release(self, call: Call) -> None:
        """Ends a call without a charge. An upfront payment that has settled becomes credit."""
        self.end_hold(call, 0)
        if call.paid_by == "upfront" and call.payment == "settled":
            self.purse(call.asset).credit += call.price
        else:
            self.move_hold(call, -call.price)
        if call.payment == "held":
            call.payment = "released"

    def charge(self, call: Call, charged: int) -> None:
        """Ends a call with a charge. A deferred payment stays unsettled until the chain has settled it. What an upfront payment has moved
        beyond the charge becomes credit."""
        self.end_hold(call, charged)
        purse = self.purse(call.asset)
        if call.paid_by == "deferred":
            purse.deferred_held -= call.price
            purse.unsettled += 0 if charged == 0 else charged if call.is_permit else call.price
        elif call.paid_by == "upfront":
            purse.credit += call.price - charged
        elif call.paid_by == "credit":
            purse.credit_held -= call.price
            purse.credit -= charged

    def count_pace(self, sources: List[Source], call: Subject, at: int) -> None:
        """Counts an accepted call in the rates and repeats of the account's own two policies."""
        for source in sources:
            slot = "owner" if source.kind == "owner" else "base"
            if source.policy.rate is not None and source.arrival is not None:
                self.arrivals[slot] = next_arrival(source.policy.rate, source.arrival, at)[0]
            if source.policy.repeat is not None and source.repeats is not None and not call.is_top_up:
                live = live_repeats(source.repeats, source.policy.repeat[1], at)
                known = [each for each in live if each.request == call.request]
                others = [each for each in live if each.request != call.request][1 - MAX_REQUESTS :]
                since, count = (known[0].since, known[0].count) if known else (at, 0)
                self.repeats[slot] = [*others, Repeat(call.request, since, count + 1)]

    def is_forbidden(self, name: str, at: int) -> bool:
        """Whether the last screening of an account forbids calls."""
        last = self.screened.get(name)
        return last is not None and last.forbids(at)

    def screen(self, entry: Dict[str, Any]) -> bool:
        """Applies `account.screened`. False if the entry contradicts itself or the verdict before it."""
        name, passes = member(entry, "outcome", "account"), member(entry, "outcome", "passes")
        if not isinstance(name, str) or type(passes) is not bool:
            return False
        decision, last = entry.get("decision"), self.screened.get(name)
        is_listed = decision == "listed" or (decision == "unanswered" and last is not None and last.is_listed)
        if is_listed if passes else decision == "clear":
            return False
        self.screened[name] = Screening(is_listed, passes, entry["at"])
        return True

    def note(self, entry: Dict[str, Any], place: Place) -> None:
        """Records what an entry changes in policies, status, grants, leases and lent credit."""
        kind = entry["type"]
        self.last_at = entry["at"]
        if kind == "account.policy":
            slot, hashed = str(entry.get("decision")), text_in(entry, "outcome", "hash")
            self.policies[slot] = hashed
            self.changes.append((entry["at"], slot, hashed))
        elif kind == "account.status":
            self.status = str(member(entry, "outcome", "status"))
            if text_in(entry, "outcome", "status") is not None:
                self.statuses.append((entry["at"], self.status))
        elif kind == "grant.issued":
            self.lends = True
            delegate = member(entry, "evidence", "delegation", "delegate")
            if entry.get("decision") == "active" and isinstance(delegate, str):
                self.children.add(f"eip155:{self.chain_id}:{delegate}")
        elif kind == "grant.accepted":
            accepted = text_in(entry, "outcome", "delegate")
            if accepted is not None:
                self.children.add(accepted)
        elif kind == "lease.closed":
            self.leases.append((entry, place))
        elif kind == "credit.lent":
            self.lent.append((entry, place))
        elif kind == "grant.taken":
            above = member(entry, "outcome", "above")
            is_read = isinstance(above, list) and all(isinstance(each, str) for each in above)
            self.above, self.cut_off = above if is_read else [], 0
            self.issuers.append((entry["at"], str(member(entry, "evidence", "delegation", "issuer"))))
            self._take(member(entry, "evidence", "delegation"))
        elif kind == "grant.revoked":
            revoked = member(entry, "evidence", "revocation")
            epoch = text_in(revoked, "epoch") or ""
            number = int(epoch) if epoch.isascii() and epoch.isdigit() and len(epoch) <= 78 else 0
            self.revocations.append((entry["at"], text_in(revoked, "id") or "", number))
            for held in self.grants.values():
                is_meant = member(revoked, "epoch") == "0" and member(revoked, "id") == held.delegation["id"]
                if is_meant and held.state == "active":
                    held.state = "revoked"

    def _take(self, text: Any) -> None:
        self.is_governed = True
        try:
            taken = delegation(text)
        except Malformed:
            self.lacks_texts = True
            return
        last = next(reversed(list(self.grants.values())), None)
        if last is not None and last.delegation["issuer"] != taken["issuer"]:
            for held in self.grants.values():
                if held.state == "active":
                    held.state = "superseded"
        hashed = "0x" + delegation_digest(taken, self.chain_id).hex()
        self.grants.pop(hashed, None)
        self.grants[hashed] = HeldGrant(taken)
