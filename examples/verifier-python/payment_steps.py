"""Entries about payments and credit, and what they move (docs/audit-format.md, How a call moves money)."""

from __future__ import annotations

from typing import List

from account import Account, Call
from entry import member
from step import Entry, Fault, allow, amount, amount_faults, awaits_payment


def settle_payment(account: Account, call: Call, entry: Entry) -> List[Fault]:
    purse, was = account.purse(call.asset), call.payment
    is_upfront = was == "held" and call.paid_by == "upfront" and call.state == "held"
    allow(is_upfront or was in ("queued", "released", "failed"))
    credited = cleared = 0
    if is_upfront:
        purse.upfront_held -= call.price
        purse.settled += call.price if call.credit_to in (None, account.name) else 0
    elif was == "queued":
        purse.unsettled -= call.amount()
        purse.settled += call.amount()
        credited = call.rest()
    elif was == "failed" and call.fault in ("payer", "gateway"):
        cleared = call.charged if call.fault == "payer" else 0
        credited = call.rest()
        purse.settled += call.amount()
    else:
        credited = call.price
        purse.settled += call.price
    purse.credit += credited + cleared
    _lift(account, call)
    call.payment = "settled"
    faults = amount_faults(entry, amount=call.amount())
    for name, value in (("credited", credited), ("cleared", cleared)):
        if member(entry, "payment", name) != (str(value) if value else None):
            faults.append(Fault("payments", "wrong_amount", f"payment.{name}"))
    return faults


def fail_payment(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `payment.failed`: the gateway no longer expects the payment to settle. The payment may still settle later."""
    fault = member(entry, "payment", "fault")
    if call.payment != "queued":
        faults = _end_upfront(account, call, entry)
        call.payment, call.fault = "failed", fault
        return faults
    allow(fault in ("payer", "gateway"), "payment.fault")
    purse = account.purse(call.asset)
    purse.unsettled -= call.amount()
    if fault == "payer":
        purse.credit -= call.charged
    else:
        purse.settled = max(0, purse.settled - call.charged)
    _lift(account, call)
    call.payment, call.fault = "failed", fault
    return amount_faults(entry, amount=call.charged)


def release_payment(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `payment.released`: the gateway did not use an upfront payment."""
    faults = _end_upfront(account, call, entry)
    call.payment = "released"
    return faults


def _end_upfront(account: Account, call: Call, entry: Entry) -> List[Fault]:
    allow(call.state == "held" and awaits_payment(call) and entry.get("decision") == "released")
    account.release(call)
    call.state = "released"
    return amount_faults(entry, amount=call.price, charged=0)


def bounce_payment(account: Account, call: Call, entry: Entry) -> List[Fault]:
    """Applies `payment.bounced`: because of its payer, the payment cannot be presented."""
    allow(call.payment == "queued" and not call.is_bounced)
    purse, until = account.purse(call.asset), member(entry, "payment", "until")
    purse.bounced += call.amount()
    purse.bounced_until = max(purse.bounced_until, until if type(until) is int else 0)
    call.is_bounced = True
    return amount_faults(entry, amount=call.amount())


def _lift(account: Account, call: Call) -> None:
    if call.is_bounced:
        purse = account.purse(call.asset)
        purse.bounced -= call.amount()
        purse.bounced_until = purse.bounced_until if purse.bounced else 0
        call.is_bounced = False


def move_credit(account: Account, entry: Entry) -> List[Fault]:
    """Applies `credit.received`, `credit.adjusted`, `credit.refunded` or `credit.lent`."""
    asset, moved, kind = member(entry, "payment", "asset"), amount(entry, "amount"), entry["type"]
    if not isinstance(asset, str) or moved is None:
        return [Fault("payments", "malformed", "amounts")]
    purse = account.purse(asset)
    if kind == "credit.received":
        source = (asset, str(member(entry, "payment", "from")))
        account.received[source] = account.received.get(source, 0) + moved
        purse.credit += moved
        is_right = amount(entry, "total") == account.received[source]
        return [] if is_right else [Fault("payments", "wrong_credit", "amounts.total")]
    if kind == "credit.adjusted":
        if entry.get("decision") not in ("added", "taken"):
            return [Fault("payments", "malformed", "amounts")]
        purse.credit += moved if entry["decision"] == "added" else -moved
        is_right = member(entry, "payment", "credit") == str(purse.credit)
        return [] if is_right else [Fault("payments", "wrong_credit", "payment.credit")]
    purse.credit -= moved
    if kind == "credit.refunded":
        purse.settled = max(0, purse.settled - moved)
    return []
