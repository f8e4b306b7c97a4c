"""Reads signed evidence, recomputes a signature, and checks the texts in entries (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import Any, Dict, NamedTuple, NoReturn, Optional

import fields
import forms
import secp256k1
from canonical import canonical_hash
from entry import member
from fields import Malformed

Entry = Dict[str, Any]


class EvidenceFault(Exception):
    """A signature, or a signed value, that is not what the entry states. `field` is its path, `reason` one snake_case word."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class Signed(NamedTuple):
    """A checked signature. `block`: the block at which a contract accepted it (ERC-1271), which a file cannot prove."""

    block: Optional[int]


def fail(field: str, reason: str) -> NoReturn:
    raise EvidenceFault(field, reason)


def read_as(reader: fields.Reader, value: Any, field: str = "evidence") -> Dict[str, Any]:
    """Reads evidence. The fault names the first wrong member."""
    try:
        return reader(value)  # type: ignore[no-any-return]
    except Malformed as fault:
        where = ".".join((field, *fault.path))
        fail(where, "missing" if fault.missing or value is None else "malformed")


def recompute(signer: str, digest: bytes, signature: str, block: Optional[int], field: str) -> Signed:
    """Recovers the signer of a digest. A contract's signature is counted, not recomputed."""
    if block is None:
        if signer == fields.ZERO_ADDRESS:
            fail(field, "zero_address")
        try:
            if secp256k1.recover(digest, signature) != signer:
                fail(field, "wrong_signer")
        except secp256k1.BadSignature as fault:
            fail(field, fault.reason)
    return Signed(block)


def check_policies(entry: Entry) -> None:
    """Checks that the list of policies has the hash that the entry names. An entry of a call that a single policy binds has no list."""
    listed = member(entry, "evidence", "policies")
    if listed is not None and canonical_hash(listed) != entry.get("policy"):
        fail("evidence.policies", "mismatch")


def check_texts(entry: Entry) -> None:
    """Checks that the texts in a call's entry are the terms and one of the policies that the entry names by hash."""
    held = entry.get("evidence", {})
    if "document" in held and canonical_hash(held["document"]) != held.get("terms"):
        fail("evidence.document", "mismatch")
    listed = held.get("policies")
    named = [member(each, "hash") for each in listed] if isinstance(listed, list) else [entry.get("policy")]
    if "policy" in held and canonical_hash(held["policy"]) not in named:
        fail("evidence.policy", "mismatch")


def check_own_text(entry: Entry) -> None:
    """Checks that the text of a policy or a document in a command has the hash by which later entries name it."""
    for name in ("policy", "document"):
        text = member(entry, "evidence", name)
        if text is not None and canonical_hash(text) != member(entry, "outcome", "hash"):
            fail(f"evidence.{name}", "mismatch")


def check_listed(entry: Entry) -> None:
    """Checks that a text which the gateway logs for later entries has the hash that its entry states."""
    kind = entry["type"]
    if kind == "policy.default":
        read_as(forms.default_policy, entry, kind)
        if canonical_hash(entry["evidence"]["policy"]) != entry["outcome"]["hash"]:
            fail("evidence.policy", "mismatch")
        return
    read = read_as(forms.listed_tool, entry, kind)
    if read["outcome"]["name"] != read["evidence"]["document"]["tool"]:
        fail("outcome.name", "mismatch")
    if canonical_hash(entry["evidence"]["document"]) != entry["outcome"]["hash"]:
        fail("evidence.document", "mismatch")


def check_closed_lease(entry: Entry) -> None:
    """Checks that the borrower returned and spent no more than the account granted."""
    if "evidence" in entry:
        fail("evidence", "unexpected")
    for counter in read_as(forms.closed_lease, entry, entry["type"])["outcome"]["counters"]:
        if int(counter["returned"]) + int(counter["spent"]) > int(counter["granted"]):
            fail("outcome.counters", "mismatch")
