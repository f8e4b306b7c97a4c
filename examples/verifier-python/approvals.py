"""Checks calls against `approveAbove` (docs/audit-format.md, The checks: limits)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional

from account import Call
from entry import member, text_in
from evaluation import Source

PARK_SECONDS = 3_600
"""How long a parked call waits for its approval, at most."""


def approval_fault(entry: Dict[str, Any], call: Call, sources: List[Source]) -> Optional[str]:
    """Returns the wrong member, or None. A parked call names a policy that requires approval; no policy of any other call requires it,
    unless the call was approved."""
    asking = [s for s in sources if s.policy.approve_above is not None and call.price > s.policy.approve_above]
    is_asked = bool(asking) and call.credit_to is None
    if entry["type"] == "call.accepted":
        return "decision" if is_asked and entry.get("rule") != "approval" else None
    if entry.get("rule") != "approval" or not is_asked:
        return "rule"
    asked, above = text_in(entry, "outcome", "asked"), text_in(entry, "outcome", "above")
    if not any(s.account == asked and str(s.policy.approve_above) == above for s in asking):
        return "outcome.above"
    return None if member(entry, "outcome", "until") == _park_end(entry) else "outcome.until"


def _park_end(entry: Dict[str, Any]) -> int:
    """When a parked call ends: after `PARK_SECONDS`, or earlier if its payment expires before."""
    valid_before = text_in(entry, "evidence", "authorization", "validBefore")
    end: int = entry["at"] + PARK_SECONDS
    return min(int(valid_before), end) if valid_before is not None and valid_before.isdecimal() else end
