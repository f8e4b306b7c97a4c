"""Signed documents in entries: grants, revocations, and commands of operators and ancestors (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import List

import fields
import forms
from commands import is_target
from entry import member
from evidence import Entry, Signed, fail, read_as, recompute
from typed_data import delegation_digest, intent_digest, revocation_digest


def check_grant(entry: Entry) -> List[Signed]:
    """A grant in the log of its issuer or its delegate."""
    read = read_as(forms.grant_evidence, entry.get("evidence"))
    what = read["delegation"]
    chain_id, address = fields.split_account(entry["account"])
    digest = delegation_digest(what, chain_id)
    if "0x" + digest.hex() != read["grant"]:
        fail("evidence.grant", "mismatch")
    if address not in (what["issuer"], what["delegate"]):
        fail("evidence.delegation", "mismatch")
    block = read.get("contractCheckedAt")
    return [recompute(what["issuer"], digest, read["signature"], block, "evidence.signature")]


def check_revocation(entry: Entry) -> List[Signed]:
    """A revocation in the log of its signer."""
    read = read_as(forms.revocation_evidence, entry.get("evidence"))
    chain_id, address = fields.split_account(entry["account"])
    digest = revocation_digest(read["revocation"], chain_id)
    if "0x" + digest.hex() != read["hash"]:
        fail("evidence.hash", "mismatch")
    if address != read["revocation"]["issuer"]:
        fail("evidence.revocation.issuer", "mismatch")
    block = read.get("contractCheckedAt")
    return [recompute(address, digest, read["signature"], block, "evidence.signature")]


def check_command(entry: Entry) -> List[Signed]:
    """A command of an operator or an owner: an intent on the chain of `by`, sent to the route that writes this entry."""
    read = read_as(forms.command_evidence, entry.get("evidence"))
    chain_id, address = fields.split_account(read["by"])
    if read["order"]["agent"] != address:
        fail("evidence.order.agent", "mismatch")
    digest = intent_digest(read["order"], chain_id)
    block = read.get("contractCheckedAt")
    signed = recompute(address, digest, read["signature"], block, "evidence.signature")
    if not is_target(entry):
        fail("evidence.order.target", "mismatch")
    return [signed]


def check_approval(entry: Entry) -> List[Signed]:
    """The command of a person who decides on a call names this call and decision, and its signer is not the account."""
    if member(entry, "evidence", "by") == entry["account"]:
        fail("evidence.by", "mismatch")
    if entry.get("decision") != {"call.approved": "approved", "call.refused": "refused"}.get(entry["type"]):
        fail("decision", "malformed")
    return check_command(entry)
