"""Judges an accepted call again (docs/audit-format.md, The checks: limits)."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from account import Account, Call
from approvals import approval_fault
from binding import Binder, Bound, has_params, subject_of
from conditions import Unknown
from entry import member
from evaluation import Source, evaluate
from fields import ZERO_HASH
from networks import FIAT

LEASED = "an ancestor decided it from what it had lent and spent at that moment, which no entry states"
LENT = "limits of an account that lends to children count what they had then"


class Judgement(NamedTuple):
    """`verdict`: proved, bounded, not checked, pending, BROKEN. `text`: a note, or the reason of what is broken."""

    verdict: str
    text: str = ""
    field: Optional[str] = None


PROVED = Judgement("proved")
PENDING = Judgement("pending")
"""The verdict depends on ancestors or descendants, whose chains may be in the files."""



def bounded(note: str) -> Judgement:
    return Judgement("bounded", note)


def broken(reason: str, field: str) -> Judgement:
    return Judgement("BROKEN", reason, field)


def unchecked(note: str) -> Judgement:
    return Judgement("not checked", note)


def missing_text(hashed: Optional[str]) -> Judgement:
    return unchecked(f"the text of policy or grant {hashed} is not in the files")


def authority_of(entry: Dict[str, Any]) -> Optional[str]:
    """The grant that the signed intent names."""
    named = member(entry, "evidence", "intent", "authority")
    return None if named in (None, ZERO_HASH) else str(named)


def judge_acceptance(
    binder: Binder, account: Account, call: Call, entry: Dict[str, Any], bound: Bound, is_resumed: bool
) -> Judgement:
    """`is_resumed`: the call was parked and approved, so rate and repeat counted it when it was parked, and its first hold has ended."""
    subject = subject_of(entry)
    if subject is None:
        return broken("malformed", "payment")
    wrong = _wrong_grant(binder, account, call, entry)
    if wrong is not None:
        return broken("wrong_grant", wrong)
    if bound.missing is not None:
        return missing_text(bound.missing)
    if not binder.is_right_list(binder.listed(entry, account), account, call.grant):
        return broken("wrong_policies", "evidence.policies")
    if not has_params(entry, bound.sources):
        return broken("wrong_params", "evidence.params")
    try:
        refusal = evaluate(bound.sources, subject, entry["at"], counts_pace=not is_resumed)
    except Unknown as fault:
        return unchecked(fault.what)
    if refusal is not None:
        return broken(refusal.rule, "decision")
    approval = approval_fault(entry, call, bound.sources)
    if approval is not None:
        return broken("approval", approval)
    own = [source for source in bound.sources if source.is_own]
    fault = _funding_fault(account, call, entry, own)
    if fault is not None:
        return broken(fault, "payment.paidBy")
    lender = next((link["issuer"] for hashed, link in binder.links(call.grant) if hashed == call.lender), None)
    payers = [account.name] if lender is None else [account.name, f"eip155:{account.chain_id}:{lender}"]
    if any(account.is_forbidden(each, entry["at"]) for each in payers):
        return broken("screening", "decision")
    return _certainty(account, call, bound.sources)


def _wrong_grant(binder: Binder, account: Account, call: Call, entry: Dict[str, Any]) -> Optional[str]:
    """The member that is wrong about the grant of a call; None if none is."""
    grant, lender = call.grant, member(entry, "payment", "lender")
    lenders = [hashed for hashed, _ in binder.links(grant)] if call.paid_by == "lent" else [None]
    if lender not in lenders:
        return "payment.lender"
    named = authority_of(entry)
    if named is not None and named != grant:
        return "payment.grant"
    if grant is None:
        return "payment.grant" if account.is_governed else None
    held = account.grants.get(grant)
    if held is None or held.state != "active" or held.is_cut_off:
        return "payment.grant"
    # A grant for one origin of the gateway allows nothing at another one.
    return None if held.delegation["audience"] == member(entry, "evidence", "audience") else "evidence.audience"


def exposure_cap(own: List[Source]) -> Optional[int]:
    """The cap on unpaid service. None if the operator's policy sets none: the gateway then uses the cap of its default policy, which no
    entry names."""
    first = own[0].policy.exposure if own else None
    return None if first is None else min([first, *(s.policy.exposure for s in own if s.policy.exposure is not None)])


def _funding_fault(account: Account, call: Call, entry: Dict[str, Any], own: List[Source]) -> Optional[str]:
    if call.asset in FIAT.values():
        return None if call.paid_by == "card" else "unfunded"
    purse = account.purse(call.asset)
    if purse.credit < 0 and call.credit_to != account.name:
        return "debt"
    if call.paid_by == "credit":
        return "unfunded" if purse.credit - purse.credit_held < call.price else None
    if call.paid_by == "deferred":
        exposed = purse.deferred_held + purse.unsettled + call.price
        cap = exposure_cap(own)
        is_suspended = any(each.bounced > 0 for each in account.purses.values())
        by_contract = member(entry, "evidence", "contractCheckedAt") is not None
        over = exposed > purse.settled or (cap is not None and exposed > cap)
        return "exposure" if over or is_suspended or by_contract else None
    if call.paid_by == "card" or (call.paid_by == "free" and call.price != 0):
        return "unfunded"
    return None


def _certainty(account: Account, call: Call, sources: List[Source]) -> Judgement:
    if call.price == 0 or call.credit_to is not None:
        return PROVED
    counts = any(source.counters for source in sources) or call.paid_by == "credit"
    return PENDING if call.grant is not None or (account.lends and counts) else PROVED
