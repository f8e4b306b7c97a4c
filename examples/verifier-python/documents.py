"""Signed documents in entries: grants, revocations, and commands of operators and ancestors (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import List

import fields
import forms
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
    """A command of an operator or an ancestor: an intent on the chain of `by`."""
    read = read_as(forms.command_evidence, entry.get("evidence"))
    chain_id, address = fields.split_account(read["by"])
    if read["order"]["agent"] != address:
        fail("evidence.order.agent", "mismatch")
    digest = intent_digest(read["order"], chain_id)
    block = read.get("contractCheckedAt")
    return [recompute(address, digest, read["signature"], block, "evidence.signature")]


def check_approval(entry: Entry) -> List[Signed]:
    """The command of a person who decides on a call names this call and decision, and its signer is not the account."""
    signed = check_command(entry)
    account, call, evidence = entry["account"], entry.get("call", ""), entry["evidence"]
    if evidence["by"] == account:
        fail("evidence.by", "mismatch")
    verb = {"approved": "approve", "refused": "refuse"}.get(entry.get("decision", ""))
    if verb is None:
        fail("decision", "malformed")
    # Generated clients send the colons of an account id as `%3A`.
    path = evidence["order"]["target"].replace("%3A", ":").replace("%3a", ":")
    place = (
        f"/admin/approvals/{account}/{call}/{verb}"
        if evidence["role"] == "operator"
        else f"/accounts/{account}/approvals/{call}/{verb}"
    )
    if path != place:
        fail("evidence.order.target", "mismatch")
    return signed
