"""The types of entries (docs/audit-format.md), and what each must be signed with."""

from __future__ import annotations

from typing import Dict

# The signed evidence that each type of entry must have. An entry of another type is malformed.
NEEDS: Dict[str, str] = {
    **dict.fromkeys(("call.accepted", "call.parked"), "proof"),
    **dict.fromkeys(("call.approved", "call.refused"), "approval"),
    "call.denied": "denial",
    **dict.fromkeys(("policy.default", "tool.listed"), "listed"),
    "lease.closed": "lease",
    **dict.fromkeys(("payment.settled", "payment.failed"), "reveal"),
    **dict.fromkeys(("grant.issued", "grant.taken"), "grant"),
    "grant.revoked": "revocation",
    # A command, or a grant or revocation that moved the account.
    **dict.fromkeys(("account.status", "account.policy", "webhook.removed"), "any"),
    **dict.fromkeys(
        (
            "call.resolved", "call.refunded", "credit.refunded", "credit.adjusted", "grant.default", "account.label", "account.erased",
            "tool.put", "tool.removed", "webhook.put", "secret.put", "secret.removed", "settlement.redriven",
            "letter.redriven", "signer.enrolled", "signer.policy", "signer.revoked", "signer.rotated", "signer.seed",
            "signer.exported",
        ),
        "command",
    ),
    **dict.fromkeys(
        (
            "call.dispatched", "call.finished", "call.late", "call.abandoned", "payment.bounced", "payment.released",
            "account.screened", "credit.received", "credit.lent", "grant.accepted", "alert.raised", "archive.written", "signer.signed", "signer.refused",
            "signer.failed",
        ),
        "nothing",
    ),
}  # fmt: skip
