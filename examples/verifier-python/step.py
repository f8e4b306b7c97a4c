"""Faults of entries about calls and money: what they state differently from the replay."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional

from account import Call
from entry import member

Entry = Dict[str, Any]


class Refused(Exception):
    """An entry that may not follow the state of its call; the replay does not apply it. `field`: the member that does not fit."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class Fault(NamedTuple):
    """A false statement. The replay continues with the value that it computed. `check`: calls or payments."""

    check: str
    reason: str
    field: str


def amount(entry: Entry, name: str) -> Optional[int]:
    """A decimal amount; None without it."""
    found = entry.get("amounts", {}).get(name)
    return None if found is None else int(found)


def allow(holds: bool, field: str = "type") -> None:
    if not holds:
        raise Refused(field)


def amount_faults(entry: Entry, **expected: Optional[int]) -> List[Fault]:
    """The amounts in which the entry differs from the replay. An expected None: the entry must not state this amount."""
    wrong = [name for name, value in expected.items() if amount(entry, name) != value]
    return [Fault("payments", "wrong_amount", f"amounts.{name}") for name in wrong]


def state_faults(entry: Entry, call: Call) -> List[Fault]:
    stated = member(entry, "payment", "state")
    # No entry shows whether a queued payment was presented already.
    if ("queued" if stated == "sent" else stated) == call.payment:
        return []
    return [Fault("calls", "wrong_transition", "payment.state")]


def awaits_payment(call: Call) -> bool:
    return call.paid_by == "upfront" and call.payment == "held"
