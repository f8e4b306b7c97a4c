"""Examines one entry. It needs no state of the chain, so any process can do it."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import documents
import evidence
import forms
import proofs
from evidence import EvidenceFault, fail, read_as

Fault = Tuple[str, str]
"""Field and reason."""

Revealed = Tuple[Dict[str, Any], str, str]
"""The evidence of an acceptance, the signature that its payment revealed, and the field that has it."""

Outcome = Tuple[int, int, Optional[Fault]]
"""Signatures recomputed, signatures of contracts, and what is wrong."""


def examine(
    entry: Dict[str, Any], needed: str, paid: Optional[Revealed], known: Optional[Fault], rights: Optional[Fault]
) -> Outcome:
    """Checks one entry. `known`: a fault that the state of the chain has already shown. `rights`: why the signer had no right to the
    command."""
    signed: List[evidence.Signed] = []
    fault: Optional[Fault] = None
    try:
        if needed == "proof":
            found = proofs.check_acceptance(entry)[1]
            evidence.check_policies(entry)
            evidence.check_texts(entry)
            signed += found
        elif needed == "denial":
            proofs.check_denied(entry)
        elif needed == "listed":
            evidence.check_listed(entry)
        elif needed == "lease":
            evidence.check_closed_lease(entry)
        elif needed == "approval":
            signed += _permitted(documents.check_approval(entry), rights)
        elif needed in ("grant", "revocation", "command"):
            signed += _permitted(DOCUMENTS[needed](entry), rights)
            if entry["type"] == "grant.taken":
                signed += proofs.check_consent(entry)
            evidence.check_own_text(entry)
        elif needed == "reveal" and "order" in entry.get("evidence", {}):
            signed += _permitted(documents.check_command(entry), rights)
        if known is not None:
            fail(*known)
        if paid is not None:
            signed += proofs.check_reveal(read_as(forms.payment_proof, paid[0]), paid[1], paid[2])
    except EvidenceFault as wrong:
        fault = (wrong.field, wrong.reason)
    chain = sum(1 for each in signed if each.block is not None)
    return len(signed) - chain, chain, fault


def _permitted(signed: List[evidence.Signed], rights: Optional[Fault]) -> List[evidence.Signed]:
    if rights is not None:
        fail(*rights)
    return signed


DOCUMENTS = {
    "grant": documents.check_grant,
    "revocation": documents.check_revocation,
    "command": documents.check_command,
}


def examine_all(jobs: List[Tuple[Any, ...]]) -> List[Outcome]:
    return [examine(*job) for job in jobs]
