"""The routes that write each type of entry, and the owners that may command an account (docs/audit-format.md, Commands)."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Optional, Set, Tuple

from canonical import canonical_hash
from entry import member, text_in

Target = Tuple[str, str]
"""Method and path."""

Fault = Tuple[str, str]

# The route of any dead letter: an entry about a payment does not name the letter.
LETTER: Target = ("POST", "/admin/dead-letters/:letter/redrive")


def is_target(entry: Dict[str, Any]) -> bool:
    """Whether the intent of a command was sent to the route that writes this entry, for this account."""
    if entry["type"].startswith("signer."):
        return True
    order = entry["evidence"]["order"]
    # Generated clients send the colons of an account id as `%3A`.
    path = re.sub("%3a", ":", order["target"], flags=re.IGNORECASE)
    path = re.sub("^(/admin/dead-letters/)[A-Za-z0-9_-]+(/redrive)$", r"\1:letter\2", path).split("?")[0]
    is_owner = entry["evidence"]["role"] == "owner"
    return (order["method"], path) in (_owner_targets(entry) if is_owner else _operator_targets(entry))


def _owner_targets(entry: Dict[str, Any]) -> List[Target]:
    base, hook = f"/accounts/{entry['account']}", _hook(entry, entry["account"])
    approval = f"{base}/approvals/{entry.get('call')}"
    return {
        "account.label": [("PUT", base)],
        "account.erased": [("DELETE", f"{base}/data")],
        "account.status": [("PUT", f"{base}/status")],
        "account.policy": _policy_targets(base) if entry.get("decision") == "owner" else [],
        "grant.default": [("PUT", f"{base}/default-grant")],
        "webhook.put": [("PUT", f"{base}/webhooks/{hook}")],
        "webhook.removed": [("DELETE", f"{base}/webhooks/{hook}")],
        "call.approved": [("POST", f"{approval}/approve")],
        "call.refused": [("POST", f"{approval}/refuse")],
    }.get(entry["type"], [])


def _operator_targets(entry: Dict[str, Any]) -> List[Target]:
    account, call = entry["account"], entry.get("call")
    base, name = f"/admin/accounts/{account}", text_in(entry, "outcome", "name") or ""
    hook = _hook(entry, "*")
    payment, approval = f"/admin/settlements/{account}/{call}", f"/admin/approvals/{account}/{call}"
    return {
        "account.label": [("PUT", base)],
        "account.erased": [("DELETE", f"{base}/data")],
        "account.status": [("PUT", f"{base}/status")],
        "account.policy": _policy_targets(base) if entry.get("decision") == "operator" else [],
        "credit.adjusted": [("POST", f"{base}/credit")],
        "credit.refunded": [("POST", "/admin/credits/refunds")],
        "tool.put": [("PUT", f"/admin/tools/{name}")],
        "tool.removed": [("DELETE", f"/admin/tools/{name}")],
        "webhook.put": [("PUT", f"/admin/webhooks/{hook}")],
        "webhook.removed": [("DELETE", f"/admin/webhooks/{hook}")],
        "secret.put": [("PUT", f"/admin/secrets/{name}"), ("POST", "/admin/secrets/rewrap")],
        "secret.removed": [("DELETE", f"/admin/secrets/{name}")],
        "settlement.redriven": [("POST", f"{payment}/redrive"), LETTER],
        "payment.failed": [("POST", f"{payment}/write-off")],
        "call.resolved": [("POST", f"{payment}/resolve")],
        "call.refunded": [("POST", f"/admin/calls/{account}/{call}/refund")],
        "call.approved": [("POST", f"{approval}/approve")],
        "call.refused": [("POST", f"{approval}/refuse")],
        "letter.redriven": [LETTER],
    }.get(entry["type"], [])


def _hook(entry: Dict[str, Any], scope: str) -> str:
    """The id in the name of a webhook, which begins with its owner. Empty if the webhook belongs to another owner."""
    name = text_in(entry, "outcome", "name") or ""
    return name[len(scope) + 1 :] if name.startswith(f"{scope}/") else ""


def _policy_targets(base: str) -> List[Target]:
    return [("PUT", f"{base}/policy"), ("DELETE", f"{base}/policy")]


class Commands:
    """The commands of one account, entry by entry. `is_whole`: its chain is in the files from the first entry."""

    def __init__(self, is_whole: bool) -> None:
        self._is_whole = is_whole
        self._above: List[Any] = []
        self._used: Set[Tuple[str, str, Optional[str]]] = set()

    def note(self, entry: Dict[str, Any]) -> None:
        """Updates the ancestors before an entry is checked: the account took a grant, or an ancestor was cut off."""
        if entry["type"] == "grant.taken":
            above = member(entry, "outcome", "above")
            self._above = above if isinstance(above, list) else []
        if "ancestors" in entry.get("outcome", {}):
            remaining = entry["outcome"]["ancestors"]
            self._above = [each for each in self._above if isinstance(remaining, list) and each in remaining]

    def fault(self, entry: Dict[str, Any]) -> Optional[Fault]:
        """Returns why a command is not valid, or None. An owner commands its descendants, and itself while it has no ancestors. Each
        command writes an entry only once."""
        evidence = entry.get("evidence", {})
        by, is_signer = evidence.get("by"), entry["type"].startswith("signer.")
        may = by in self._above if self._above else by == entry["account"]
        if evidence.get("role") == "owner" and self._is_whole and not is_signer and not may:
            return "evidence.by", "mismatch"
        used = (canonical_hash(evidence.get("order")), entry["type"], text_in(entry, "outcome", "name"))
        if used in self._used:
            return "evidence.order", "repeated"
        self._used.add(used)
        return None
