"""Judges a denial again (docs/audit-format.md, The checks: denials)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from account import Account, HeldGrant
from binding import Binder, has_params, subject_of
from conditions import Unknown
from entry import member
from evaluation import Refusal, Source, Subject, amounts, evaluate, limit_state
from judging import LEASED, LENT, PROVED, Judgement, authority_of, bounded, broken, exposure_cap, missing_text, unchecked
from networks import FIAT

CHAIN = "balances, allowances, code and nonces of payers are facts of the chain, which entries do not have"
FLOOD = "the rate of denied calls counts dry runs, which write no entry"
WRONG_LIMIT = broken("wrong_limit", "outcome.limit")
ALLOWED = broken("allowed", "rule")
STATUSES = ("frozen", "paused", "revoked")
BY_ANCESTORS = ("window", "lifetime", "credit", "unreachable", "approval", "approval_queue")
MOST_PARKED = 16


def judge_denial(binder: Binder, account: Account, entry: Dict[str, Any]) -> Judgement:
    """Judges a denial on the current state of the replay. A parked call is judged without its hold, and without rate and repeat."""
    subject = subject_of(entry)
    if subject is None:
        return broken("malformed", "payment")
    waiting = account.calls.get(entry.get("call", ""))
    if waiting is None or waiting.state not in ("parked", "approved"):
        return _judge(binder, account, entry, subject, counts_pace=True)
    account.lift_hold(waiting, -waiting.price)
    try:
        return _judge(binder, account, entry, subject, counts_pace=False)
    finally:
        account.lift_hold(waiting, waiting.price)


def _judge(binder: Binder, account: Account, entry: Dict[str, Any], subject: Subject, counts_pace: bool) -> Judgement:
    listed = binder.listed(entry, account)
    bound = binder.bind(listed, account, subject.asset, entry["at"])
    if account.lacks_texts or bound.missing is not None:
        return missing_text(bound.missing)
    grant = next((hashed for kind, name, hashed in listed if (kind, name) == ("grant", account.name)), None)
    if not binder.is_right_list(listed, account, grant):
        return broken("wrong_policies", "evidence.policies")
    if not has_params(entry, bound.sources):
        return broken("wrong_params", "evidence.params")
    if member(entry, "outcome", "authority") != (grant or member(entry, "outcome", "grant")):
        return broken("wrong_grant", "outcome.authority")
    try:
        refusal = evaluate(bound.sources, subject, entry["at"], counts_pace)
    except Unknown as fault:
        return unchecked(fault.what)
    return _Denial(account, entry, subject, bound.sources, grant).compare(refusal)


class _Denial:
    def __init__(
        self, account: Account, entry: Dict[str, Any], call: Subject, sources: List[Source], grant: Optional[str]
    ) -> None:
        self.account, self.entry, self.call, self.sources, self.grant = account, entry, call, sources, grant
        self.own = [source for source in sources if source.is_own]
        self.purse = account.purse(call.asset)
        self.rule: str = entry.get("rule", "")
        self.limit = member(entry, "outcome", "limit")

    def compare(self, refusal: Optional[Refusal]) -> Judgement:
        blamed = member(self.entry, "outcome", "account")
        counts = self.rule in ("window", "lifetime")
        if refusal is not None and refusal.rule == self.rule and refusal.source.account == blamed:
            if member(self.entry, "outcome", "grant") != (refusal.source.hash if refusal.source.kind == "grant" else None):
                return broken("wrong_grant", "outcome.grant")
            if member(self.entry, "outcome", "param") != refusal.param:
                return broken("wrong_params", "outcome.param")
            if counts and self.account.lends:
                return self._by_lender()
            return PROVED if self.limit == refusal.limit else WRONG_LIMIT
        if self.grant is None and self.rule in ("authority", "expired", "revoked"):
            return self._by_choice()
        if blamed != self.account.name:
            return self._by_ancestor(refusal)
        if self.rule == "denial_rate":
            return bounded(FLOOD)
        if counts and self.account.lends and (refusal is None or refusal.rule in ("window", "lifetime")):
            return self._by_lender()
        return self._by_account() if refusal is None else broken("wrong_rule", "rule")

    def _number(self, name: str) -> int:
        text = member(self.limit, name)
        return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else 0

    def _by_lender(self) -> Judgement:
        """The counter of an account that lends counts at least what the account itself used."""
        used = self._number("spent") + self._number("held")
        if not any(self._is_stated(source, used) for source in self.own):
            return WRONG_LIMIT
        return bounded(LENT) if used + self.call.price > self._number("limit") else broken("allowed", "outcome.limit")

    def _is_stated(self, source: Source, used: int) -> bool:
        for counter in source.counters:
            rule = f"window:{counter.name}" if counter.rule == "window" else counter.rule
            more = {"resetsAt": counter.resets, "window": counter.window}
            known = limit_state(source, rule, counter.limit, counter.spent, counter.held, **more)
            same = all(known.get(n) == member(self.limit, n) for n in ("rule", "limit", "account", "resetsAt", "window"))
            if same and used >= counter.spent + counter.held:
                return True
        return False

    def _by_ancestor(self, refusal: Optional[Refusal]) -> Judgement:
        """An ancestor's status, limits and credit are not in the account's entries."""
        if self.rule in STATUSES:
            return bounded(LEASED)
        if refusal is not None:
            return broken("wrong_rule", "rule")
        if self.rule == "screening":
            listed = str(member(self.entry, "outcome", "account"))
            return PROVED if self.account.is_forbidden(listed, self.entry["at"]) else ALLOWED
        return bounded(LEASED) if self.rule in BY_ANCESTORS else ALLOWED

    def _by_choice(self) -> Judgement:
        """The account had no grant for the call."""
        usable = {hashed: held for hashed, held in self.account.grants.items() if held.state != "superseded"}
        denied = usable.get(str(member(self.entry, "outcome", "grant")))
        at: int = self.entry["at"]
        if self.rule == "authority":
            named = usable.get(str(authority_of(self.entry)))
            audience = member(self.entry, "evidence", "audience")
            if denied is None:
                is_right = named is None or _has_ended(named, at)
            else:
                is_right = audience is not None and denied.delegation["audience"] != audience
        elif self.rule == "revoked":
            is_right = denied is not None and denied.state == "revoked"
        else:
            live = any(each.state == "active" and not _has_ended(each, at) for each in usable.values())
            is_right = (self.account.is_governed and not live) or self.call.is_top_up
        return PROVED if is_right else ALLOWED

    def _is_limit(self, rule: str, limit: int, spent: int, held: int, **more: int) -> bool:
        return bool(self.limit == {"rule": rule, **amounts(limit, spent, held), **more})

    def _by_account(self) -> Judgement:
        """A denial by the funds of the account, or by a rule that no policy has."""
        purse, price = self.purse, self.call.price
        if self.rule == "debt":
            if purse.credit >= 0:
                return ALLOWED
            return PROVED if self._is_limit("debt", 0, -purse.credit, 0) else WRONG_LIMIT
        if self.rule == "exposure":
            return self._by_exposure()
        if self.rule == "suspended":
            found = next((each for each in self.account.purses.values() if each.bounced > 0), None)
            if found is None:
                return ALLOWED
            is_right = self._is_limit("suspended", 0, found.bounced, purse.upfront_held, resetsAt=found.bounced_until)
            return PROVED if is_right else WRONG_LIMIT
        if self.rule in ("balance", "allowance"):
            promised, most = purse.deferred_held + purse.upfront_held + purse.unsettled, self._number("limit")
            if not self._is_limit(self.rule, most, 0, promised):
                return WRONG_LIMIT
            return bounded(CHAIN) if promised + price > most else ALLOWED
        if self.rule == "credit":
            return self._by_credit()
        if self.rule in ("approval", "approval_queue"):
            return self._by_approval()
        if self.rule == "asset":
            if self.call.asset not in FIAT.values():
                return ALLOWED
            opens = any(s.kind == "operator" and self.call.asset in (s.policy.assets or []) for s in self.sources)
            return bounded(CHAIN) if opens else PROVED
        if self.rule == "screening":
            return PROVED if self.account.is_forbidden(self.account.name, self.entry["at"]) else ALLOWED
        if self.rule in ("validity", "nonce_used", "penniless", "failure_rate"):
            return bounded(CHAIN)
        return bounded(LEASED) if self.rule == "unreachable" else ALLOWED

    def _by_exposure(self) -> Judgement:
        purse, cap = self.purse, exposure_cap(self.own)
        limit = self._number("limit") if cap is None else cap
        if not self._is_limit("exposure", limit, purse.unsettled, purse.deferred_held):
            return WRONG_LIMIT
        is_over = cap is not None and self.call.price > cap - purse.unsettled - purse.deferred_held
        return PROVED if is_over else bounded(CHAIN)

    def _by_credit(self) -> Judgement:
        if self.call.is_top_up:
            return bounded("the most that an account may hold is not in its entries")
        purse, held = self.purse, self._number("held")
        is_held = held >= purse.credit_held if self.account.lends else held == purse.credit_held
        if not self._is_limit("credit", purse.credit, 0, held) or not is_held:
            return WRONG_LIMIT
        if purse.credit - held >= self.call.price:
            return ALLOWED
        if self.account.lends:
            return bounded(LENT)
        return PROVED if self.grant is None else bounded(LEASED)

    def _by_approval(self) -> Judgement:
        asks = any(s.policy.approve_above is not None and self.call.price > s.policy.approve_above for s in self.sources)
        if not asks or self.call.is_top_up:
            return ALLOWED
        if self.rule == "approval":
            return PROVED if self.call.binding == "none" else bounded("whether the account was known is not in its entries")
        parked = sum(1 for call in self.account.calls.values() if call.state in ("parked", "approved"))
        return PROVED if parked >= MOST_PARKED else bounded("calls that wait are also counted at the root of the tree")


def _has_ended(held: HeldGrant, at: int) -> bool:
    """Whether a grant is past its end. An hour later the account deletes the grant, and denies calls under it by `authority`."""
    return bool(at >= held.delegation["validUntil"])
