"""The checks `calls`, `payments`, `limits`, `denials` and `totals`: replays each account and decides its calls again."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from account import Account, Call
from binding import Binder, subject_of
from call_members import member_faults
from denials import judge_denial
from entry import Place, Seen
from judging import Judgement, bounded, broken, judge_acceptance, unchecked
from payment_steps import move_credit
from step import Fault, Refused
from survey import Survey
from tally import Tally
from totals import Totals
from transitions import STEPS
from windows import FOREVER

PARTIAL = "a chain does not begin at its first entry: export it whole"
BLIND = "a text that the account was bound by is not in the files"
FURTHER = "equal denials within ten seconds are one entry, which has the first"
LATE = "denials entered long after their decision"
OPEN = "payments are open at the end of the files"
STARTS = ("call.accepted", "call.parked")
NO_MONEY = ("call.approved", "call.dispatched", "call.late")
PAID_BY = ("deferred", "upfront", "credit", "lent", "free", "card")
WRONG_PLACE = broken("wrong_place", "outcome.after")
MOST_SECONDS, MOST_ENTRIES = 3_600, 50_000


class Decisions:
    """Sees the entries of one account after another, each account's in order."""

    def __init__(self, survey: Survey) -> None:
        self._survey, self._binder = survey, Binder(survey)
        self.calls, self.payments = Tally("calls"), Tally("payments")
        self.limits, self.denials = Tally("limits"), Tally("denials")
        self._totals = Totals(survey, self._binder)
        self._account: Optional[Account] = None
        self._last_at = self._newest = 0
        self._is_whole = False
        self._judged: Dict[Place, "tuple[Judgement, int]"] = {}
        """Judgements of denials whose entry comes later, by the place of that entry, each with the seq of the entry after which the
        account decided it."""
        self._ended: Dict[int, int] = {}
        """The time of the entry after such a seq: until then the account stayed in the state that was judged."""

    def see(self, seen: Seen) -> None:
        entry, kind = seen.entry, seen.entry["type"]
        if self._account is None or entry["account"] != self._account.name:
            self._begin(entry)
        account = self._account
        assert account is not None
        if not self._is_whole:
            return self._skip(kind, entry.get("count", 1))
        credit = {asset: purse.credit for asset, purse in account.purses.items()}
        wrong = self._binder.cut_off_faults(seen, account)
        faults: List[Fault] = []
        if kind in STARTS:
            faults = self._start(account, seen)
        elif kind in STEPS:
            faults = self._step(account, entry)
        elif kind.startswith("credit."):
            faults = move_credit(account, entry)
        elif kind == "call.denied":
            self._deny(account, seen)
            account.claims += self._binder.claims(seen, account)
        elif kind == "account.screened":
            faults = [] if account.screen(entry) else [Fault("calls", "wrong_transition", "outcome.passes")]
        elif kind == "grant.taken":
            faults = self._binder.ancestor_faults(entry)
        self._count(seen, [*wrong, *faults])
        self._totals.fleet.step(account, kind, account.calls.get(entry.get("call", "")), entry["at"], credit)
        account.note(entry, seen.place)
        self._last_at = entry["at"]
        if self._newest in self._ended:
            self._ended[self._newest] = entry["at"]
        self._newest = entry["seq"]
        self._judge_after(account, entry["seq"])
        return None

    def _begin(self, entry: Dict[str, Any]) -> None:
        self._close()
        self._account, self._is_whole = Account(entry["account"]), entry["seq"] == 1
        self._newest = 0
        self._last_at = entry["at"]
        self._judged, self._ended = {}, {}
        if self._is_whole:
            self._judge_after(self._account, 0)

    def _skip(self, kind: str, count: int) -> None:
        """Counts the statements of an entry whose chain lacks its beginning."""
        if kind == "call.denied":
            return self.denials.skip(PARTIAL, count)
        if kind.startswith(("call.", "payment.")):
            self.calls.skip(PARTIAL)
        if kind.startswith(("call.", "payment.", "credit.")) and kind not in NO_MONEY:
            self.payments.skip(PARTIAL)
        if kind in STARTS:
            self.limits.skip(PARTIAL)
        return None

    def _count(self, seen: Seen, faults: List[Fault]) -> None:
        kind = seen.entry["type"]
        about_call = kind.startswith(("call.", "payment.")) and kind != "call.denied"
        about_money = (about_call and kind not in NO_MONEY) or kind.startswith("credit.")
        for tally, counts in ((self.calls, about_call), (self.payments, about_money)):
            wrong = [fault for fault in faults if fault.check == tally.check]
            for fault in wrong:
                tally.break_at(seen, fault.reason, fault.field)
            if counts and not wrong:
                tally.prove()

    def _start(self, account: Account, seen: Seen) -> List[Fault]:
        """A call starts, or a parked call runs after a person approved it."""
        entry, key = seen.entry, seen.entry.get("call", "")
        if not _is_call(entry):
            return [Fault("calls", "malformed", "payment")]
        known, call = account.calls.get(key), Call(entry, seen.place)
        is_approval = entry["type"] == "call.accepted" and entry.get("rule") == "approval"
        faults: List[Fault] = []
        if known is not None and known.state in ("parked", "approved") and is_approval:
            if known.state == "parked":
                faults.append(Fault("calls", "wrong_transition", "type"))
            account.release(known)
        elif known is not None:
            return [Fault("calls", "accepted_twice", "type")]
        elif is_approval:
            faults.append(Fault("calls", "wrong_transition", "type"))
        decision = "parked" if call.state == "parked" else "settle" if call.paid_by == "upfront" else "go"
        if entry.get("decision") != decision:
            faults.append(Fault("calls", "wrong_transition", "decision"))
        if known is not None and (known.price, known.asset) != (call.price, call.asset):
            faults.append(Fault("payments", "wrong_amount", "amounts.price"))
        self._limit(account, seen, call, is_approval)
        account.calls[key] = call
        return faults

    def _limit(self, account: Account, seen: Seen, call: Call, is_approval: bool) -> None:
        """Judges an accepted call, then counts it."""
        entry, subject = seen.entry, subject_of(seen.entry)
        listed = self._binder.listed(entry, account)
        account.claims += self._binder.claims(seen, account)
        account.defaults |= {hashed for kind, name, hashed in listed if (kind, name) == ("default", account.name)}
        bound = self._binder.bind(listed, account, call.asset, entry["at"])
        judgement = judge_acceptance(self._binder, account, call, entry, bound, is_approval)
        self._report(self.limits, seen, unchecked(BLIND) if account.lacks_texts else judgement)
        is_pending = judgement.verdict == "pending" and not account.lacks_texts
        self._totals.fleet.begin(account, call, entry["at"], is_pending)
        own = [source for source in bound.sources if source.is_own]
        account.hold(call, own, entry["at"])
        if subject is not None and not is_approval and judgement.verdict != "BROKEN":
            account.count_pace(own, subject, entry["at"])
        account.lacks_texts = account.lacks_texts or bound.lacks_own

    def _step(self, account: Account, entry: Dict[str, Any]) -> List[Fault]:
        call = account.calls.get(entry.get("call", ""))
        if call is None:
            return [Fault("calls", "unknown_call", "call")]
        try:
            faults = STEPS[entry["type"]](account, call, entry)
        except Refused as refused:
            faults = [Fault("calls", "wrong_transition", refused.field)]
        return faults + member_faults(call, entry)

    def _judge_after(self, account: Account, seq: int) -> None:
        """Judges the denials that the account decided after this entry and entered later."""
        for denied in self._survey.judged_after(account.name, seq):
            if denied.entry["seq"] > seq:
                self._judged[denied.place] = (judge_denial(self._binder, account, denied.entry), seq)
                self._ended[seq] = FOREVER

    def _deny(self, account: Account, seen: Seen) -> None:
        seq = seen.entry["seq"]
        judgement, after = self._judged.pop(seen.place, (WRONG_PLACE, seq))
        # Other verifiers do not keep a state that old, and all verifiers must agree.
        is_late = seq - after > MOST_ENTRIES or self._last_at - self._ended.get(after, FOREVER) > MOST_SECONDS
        self._report(self.denials, seen, bounded(LATE) if is_late else judgement)
        further = seen.entry.get("count", 1) - 1
        if further > 0:
            self.denials.bound(FURTHER, further)

    def _report(self, tally: Tally, seen: Seen, judgement: Judgement) -> None:
        if judgement.verdict == "proved":
            tally.prove()
        elif judgement.verdict == "bounded":
            tally.bound(judgement.text)
        elif judgement.verdict == "not checked":
            tally.skip(judgement.text)
        elif judgement.verdict == "BROKEN":
            tally.break_at(seen, judgement.text, judgement.field)

    def _close(self) -> None:
        if self._account is None or not self._is_whole:
            return
        for call in self._account.calls.values():
            is_open = call.state in ("held", "parked", "approved", "kept") or call.payment in ("held", "queued")
            if is_open and call.payment != "none":
                self.payments.bound(OPEN)
        self._totals.add(self._account)

    def end(self) -> List[Dict[str, Any]]:
        self._close()
        self._account = None
        self._totals.judge_limits(self.limits)
        tallies = (self.calls, self.payments, self.limits, self.denials)
        return [*(tally.finding() for tally in tallies), self._totals.end()]


def _is_call(entry: Dict[str, Any]) -> bool:
    payment = entry.get("payment", {})
    has_price = "price" in entry.get("amounts", {})
    return "call" in entry and has_price and isinstance(payment.get("asset"), str) and payment.get("paidBy") in PAID_BY
