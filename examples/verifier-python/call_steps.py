"""Entries about a call after its acceptance, and what they move (docs/audit-format.md, How a call moves money)."""

from __future__ import annotations

from typing import List

from account import Account, Call
from entry import member
from step import Entry, Fault, allow, amount, amount_faults, awaits_payment, state_faults


def finish_call(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `call.finished`: the tool answered, failed or did not answer."""
    allow(call.state == "held" and not awaits_payment(call))
    decision = entry.get("decision")
    if decision == "committed":
        allow(member(entry, "outcome", "success") is True, "outcome.success")
        faults = _commit(account, call, entry)
    elif decision == "abandoned":
        faults = _fall_silent(account, call, entry)
    else:
        allow(decision == "released", "decision")
        faults = _give_back(account, call, entry, "released")
    call.has_answer = True
    return faults


def abandon_call(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `call.abandoned`: the alarm of the account ended the call."""
    allow(call.state == "held" and not awaits_payment(call))
    decision = entry.get("decision")
    if decision == "committed":
        allow(call.credit_to is not None, "decision")
        return _commit(account, call, entry)
    if decision == "abandoned":
        return _fall_silent(account, call, entry)
    allow(decision == "released" and call.paid_by == "upfront", "decision")
    return _give_back(account, call, entry, "released")


def _commit(account: Account, call: Call, entry: Entry) -> List[Fault]:
    stated = amount(entry, "charged") or 0
    # An authorization, and a permit that settled before, transfer exactly the price: only a metered call may charge less of it.
    is_metered = member(entry, "outcome", "basis") is not None
    is_variable = (call.is_permit or is_metered or call.paid_by in ("credit", "lent", "card")) and entry["type"] == "call.finished"
    charged = stated if is_variable and stated < call.price else call.price
    account.charge(call, charged)
    if call.credit_to == account.name:
        account.purse(call.asset).credit += call.price
    if call.payment == "held":
        call.payment = "released" if charged == 0 else "queued"
    call.state, call.charged = "committed", charged
    credited = None if call.credit_to is None else call.price
    rest = str(call.rest()) if call.payment == "settled" and call.rest() > 0 else None
    is_right = member(entry, "payment", "credited") == rest
    rest_faults = [] if is_right else [Fault("payments", "wrong_amount", "payment.credited")]
    return amount_faults(entry, charged=charged, credited=credited) + rest_faults + state_faults(entry, call)


def _give_back(account: Account, call: Call, entry: Entry, state: str) -> List[Fault]:
    account.release(call)
    call.state = state
    return amount_faults(entry, charged=0, credited=None) + state_faults(entry, call)


def _fall_silent(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """If the tool may have spent the money, its amount stays held until an operator resolves the call."""
    if member(entry, "payment", "kept") is not True:
        return _give_back(account, call, entry, "abandoned")
    allow(call.paid_by not in ("deferred", "free"), "payment.kept")
    call.state, call.charged = "kept", call.price if call.paid_by == "upfront" else 0
    return amount_faults(entry, charged=call.charged, credited=None) + state_faults(entry, call)


def refuse_call(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `call.refused`: a parked call ends without having run."""
    allow(call.state in ("parked", "approved"))
    account.release(call)
    call.state = "released"
    return amount_faults(entry, price=call.price, charged=0) + state_faults(entry, call)


def approve_call(_: Account, call: Call, entry: Entry) -> List[Fault]:
    allow(call.state == "parked")
    call.state = "approved"
    faults = amount_faults(entry, price=call.price)
    if member(entry, "outcome", "until") != call.until:
        faults.append(Fault("calls", "other_call", "outcome.until"))
    return faults


def note_late_answer(_: Account, call: Call, entry: Entry) -> List[Fault]:
    allow(call.state in ("abandoned", "kept") and not call.has_answer)
    call.has_answer = True
    return amount_faults(entry, charged=0)


def resolve_call(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `call.resolved`: an operator, or the issuer of a card, charged or released a kept call."""
    allow(call.state == "kept")
    # The resolution of a card issuer needs no signature, so it must not pass for a call that was not paid by card.
    allow(entry.get("rule") != "card" or call.paid_by == "card", "rule")
    decision, stated, before = entry.get("decision"), amount(entry, "charged") or 0, call.charged
    allow(decision in ("charged", "released"), "decision")
    if decision == "charged":
        charged = stated if call.paid_by == "card" and 0 < stated < call.price else call.price
        account.charge(call, charged)
    else:
        charged = 0
        account.release(call)
    call.state, call.charged = "abandoned", charged
    return amount_faults(entry, charged=charged, before=before) + state_faults(entry, call)


def refund_call(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `call.refunded`: an operator refunded a part of a charge. If the credit of an ancestor paid, the ancestor gets the refund."""
    is_over = call.state not in ("held", "kept") and call.payment in ("none", "settled")
    allow(is_over and call.credit_to is None)
    is_own = member(entry, "payment", "to") == account.name
    allow(is_own != (call.paid_by == "lent"), "payment.to")
    given = amount(entry, "amount") or 0
    call.refunded += given
    if is_own:
        account.purse(call.asset).credit += given
    faults = amount_faults(entry, amount=given, refunded=call.refunded)
    if call.refunded > call.charged or given == 0:
        faults.append(Fault("payments", "wrong_amount", "amounts.amount"))
    return faults
