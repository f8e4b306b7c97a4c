"""The step of each entry about a call or its payment. A step raises Refused if the entry may not follow."""

from __future__ import annotations

from typing import Callable, Dict, List

from account import Account, Call
from call_steps import (
    abandon_call, approve_call, finish_call, note_late_answer, refund_call, refuse_call, resolve_call,
)  # fmt: skip
from payment_steps import bounce_payment, fail_payment, release_payment, settle_payment
from step import Entry, Fault

STEPS: Dict[str, Callable[[Account, Call, Entry], List[Fault]]] = {
    "call.approved": approve_call,
    "call.refused": refuse_call,
    "call.finished": finish_call,
    "call.abandoned": abandon_call,
    "call.late": note_late_answer,
    "call.resolved": resolve_call,
    "call.refunded": refund_call,
    "payment.settled": settle_payment,
    "payment.failed": fail_payment,
    "payment.released": release_payment,
    "payment.bounced": bounce_payment,
}
