"""Checks the members that entries about a call repeat from its acceptance (docs/audit-format.md, The checks: calls)."""

from __future__ import annotations

from typing import Dict, List, Tuple

from account import Call
from entry import member
from step import Entry, Fault

# Members that every entry of a type has. In entries of other types they are optional.
ALWAYS: Dict[str, Tuple[str, ...]] = {
    "call.approved": ("policy",),
    "call.refused": ("policy", "payment.paidBy", "payment.asset"),
    "call.finished": ("policy", "payment.paidBy"),
    "call.abandoned": ("payment.paidBy",),
    "call.refunded": ("payment.paidBy", "payment.asset"),
}


def member_faults(call: Call, entry: Entry) -> List[Fault]:
    """Returns the members that differ. Attack: an edited log shows the money of a call under another tool, and no sum changes."""
    kind, always = entry["type"], ALWAYS.get(entry["type"], ())
    known = {"policy": call.policy, "payment.paidBy": call.paid_by, "payment.asset": call.asset}
    wrong = [] if entry.get("tool") == call.tool else ["tool"]
    # A refund may come long after the account has forgotten the call, so it names no request.
    if entry.get("request") != call.request and not (kind == "call.refunded" and "request" not in entry):
        wrong.append("request")
    for field, value in known.items():
        stated = member(entry, *field.split("."))
        if field in always if stated is None else stated != value:
            wrong.append(field)
    return [Fault("calls", "other_call", field) for field in wrong]
