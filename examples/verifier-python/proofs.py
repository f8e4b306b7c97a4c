"""The proofs of calls: payments, intents, denials, and consents to grants (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import fields
import forms
from entry import member
from evidence import Entry, Signed, check_policies, check_texts, fail, read_as, recompute
from networks import USDC, asset_of, token_of
from typed_data import intent_digest, permit_digest, request_digest, transfer_digest

BOUND_VALID_AFTER = 1_131_378_030
RESERVED_MARKS = 256
REGISTRATION = "countersign.delegations"


def check_payment(account: str, call: Optional[str], proof: Dict[str, Any], field: str) -> List[Signed]:
    """Checks the binding: the nonce is the intent's digest, and `validAfter` marks it under the same signature."""
    chain_id, address = fields.split_account(account)
    token, authorization = proof["token"], proof["authorization"]
    found = (token["address"], token["name"], token["version"])
    if token["network"] != f"eip155:{chain_id}" or found != token_of(chain_id):
        fail(f"{field}.token", "mismatch")
    if authorization["from"] != address:
        fail(f"{field}.authorization.from", "mismatch")
    if call is not None and authorization["nonce"] != call:
        fail(f"{field}.authorization.nonce", "mismatch")
    form = authorization["validAfter"] - BOUND_VALID_AFTER
    signed = proof.get("intent")
    if (form == 0) != (signed is not None) or 0 < form < RESERVED_MARKS:
        fail(f"{field}.authorization.validAfter", "mismatch")
    if signed is not None:
        if signed["agent"] != address:
            fail(f"{field}.intent.agent", "mismatch")
        if "0x" + intent_digest(signed, chain_id).hex() != authorization["nonce"]:
            fail(f"{field}.intent", "mismatch")
    block = proof.get("contractCheckedAt")
    return [] if block is None else [Signed(block)]


def check_proof(account: str, call: Optional[str], value: Any, field: str = "evidence") -> Tuple[Dict[str, Any], List[Signed]]:
    """Checks the proof of a call: its signer, its call id and its binding. A payment reveals its signature when it ends."""
    if member(value, "proof") == "x402":
        proof = read_as(forms.payment_proof, value, field)
        return proof, check_payment(account, call, proof, field)
    proof = read_as(forms.intent_proof, value, field)
    chain_id, address = fields.split_account(account)
    if proof["intent"]["agent"] != address:
        fail(f"{field}.intent.agent", "mismatch")
    digest = intent_digest(proof["intent"], chain_id)
    if call is not None and "0x" + digest.hex() != call:
        fail(f"{field}.intent", "mismatch")
    name = f"{field}.intentSignature"
    return proof, [recompute(address, digest, proof["intentSignature"], proof.get("contractCheckedAt"), name)]


def check_reveal(proof: Dict[str, Any], signature: str, field: str) -> List[Signed]:
    """Recomputes the signature of a payment: of EIP-3009, or of a Permit2 permit. A contract's was counted with the call."""
    authorization = proof["authorization"]
    network = proof["token"]["network"]
    chain_id = next((each for each in USDC if network == f"eip155:{each}"), 0)
    token = token_of(chain_id)
    if token is None:
        fail(field, "mismatch")
    facilitator = proof.get("facilitator")
    digest = (
        transfer_digest(authorization, token, chain_id)
        if facilitator is None
        else permit_digest(authorization, facilitator, token, chain_id)
    )
    signed = recompute(authorization["from"], digest, signature, proof.get("contractCheckedAt"), field)
    return [signed] if signed.block is None else []


def check_acceptance(entry: Entry) -> Tuple[Dict[str, Any], List[Signed]]:
    """Checks the proof of a call, and that the entry states the signed values."""
    account, call = entry["account"], entry.get("call")
    if call is None:
        fail("call", "missing")
    proof, signed = check_proof(account, call, entry.get("evidence"))
    check_members(entry, proof)
    return proof, signed


def check_members(entry: Entry, proof: Dict[str, Any]) -> None:
    """Checks that the entry of an accepted or denied call states what the caller signed."""
    chain_id, _ = fields.split_account(entry["account"])
    what = proof.get("intent")
    price = int(entry.get("amounts", {}).get("price", "0"))
    token = proof["token"]["address"] if proof["proof"] == "x402" else what["asset"]  # type: ignore[index]
    # An amount in another asset than the signed one would count in the wrong limits.
    paid = asset_of(chain_id, token) if proof["proof"] == "intent" else f"eip155:{chain_id}/erc20:{token}"
    if price > 0 and member(entry, "payment", "asset") != paid:
        fail("payment.asset", "mismatch")
    # A free call signs no payee.
    payee = proof["authorization"]["to"] if proof["proof"] == "x402" else what["payTo"] if price > 0 else None  # type: ignore[index]
    if payee is not None and member(entry, "payment", "payTo") != payee:
        fail("payment.payTo", "mismatch")
    if what is not None and price > what["maxAmount"]:
        fail("amounts.price", "mismatch")
    if entry.get("binding") != ("none" if what is None else "intent"):
        fail("binding", "mismatch")
    if what is not None:
        if what["audience"] != proof.get("audience"):
            fail("evidence.audience", "mismatch")
        if what["tool"] != entry.get("tool"):
            fail("tool", "mismatch")
        if request_digest(what) != entry.get("request"):
            fail("request", "mismatch")


def check_denied(entry: Entry) -> None:
    """Checks that the call id commits to the fields of a denial. The signature of a denied call is not in the log."""
    account, evidence = entry["account"], entry.get("evidence")
    if member(evidence, "proof") == "x402":
        proof = read_as(forms.denied_payment, evidence)
        check_payment(account, entry.get("call"), proof, "evidence")
        until = proof["authorization"]["validBefore"]
    else:
        proof = read_as(forms.denied_intent, evidence)
        what = proof["intent"]
        until = what["validBefore"]
        chain_id, address = fields.split_account(account)
        if what["agent"] != address:
            fail("evidence.intent.agent", "mismatch")
        if "0x" + intent_digest(what, chain_id).hex() != entry.get("call"):
            fail("evidence.intent", "mismatch")
    if entry.get("decision") != "denied":
        fail("decision", "malformed")
    if proof["validBefore"] != until:
        fail("evidence.validBefore", "mismatch")
    check_members(entry, proof)
    check_policies(entry)
    check_texts(entry)


def check_consent(entry: Entry) -> List[Signed]:
    """Checks the delegate's consent to a grant: an intent that registers the grant, or a proof that names it."""
    field = "evidence.consent"
    consent = member(entry, "evidence", "consent")
    if consent is None:
        fail(field, "missing")
    proof, signed = check_proof(entry["account"], None, consent, field)
    what = proof.get("intent")
    if what is None:
        fail(f"{field}.intent", "missing")
    if what["audience"] != proof.get("audience"):
        fail(f"{field}.audience", "mismatch")
    if what["tool"] != REGISTRATION and what["authority"] != member(entry, "evidence", "grant"):
        fail(f"{field}.intent.authority", "mismatch")
    return signed
