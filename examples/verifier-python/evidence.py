"""What was signed, as entries hold it, and the rules that tie it to the entry (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, NoReturn, Optional, Tuple

import fields
import forms
import secp256k1
from canonical import canonical_hash
from entry import member
from fields import Malformed
from networks import asset_of, token_of
from typed_data import delegation_digest, intent_digest, request_digest, revocation_digest, transfer_digest

Entry = Dict[str, Any]

BOUND_VALID_AFTER = 1_131_378_030
RESERVED_MARKS = 256
REGISTRATION = "countersign.delegations"


class EvidenceFault(Exception):
    """A signature, or a signed value, that is not what the entry states. `field` is its path, `reason` one snake_case word."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


class Signed(NamedTuple):
    """A signature that was checked. `block`: a contract accepted it there (ERC-1271), so a file cannot prove it."""

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
    """Recomputes the token signature of a payment (EIP-3009). A contract's was counted with the call."""
    authorization = proof["authorization"]
    chain_id = int(proof["token"]["network"].split(":")[1])
    token = token_of(chain_id)
    if token is None:
        fail(field, "mismatch")
    digest = transfer_digest(authorization, token, chain_id)
    signed = recompute(authorization["from"], digest, signature, proof.get("contractCheckedAt"), field)
    return [signed] if signed.block is None else []


def check_acceptance(entry: Entry) -> Tuple[Dict[str, Any], List[Signed]]:
    """Checks the proof of a call, and that the entry states the signed values."""
    account, call = entry["account"], entry.get("call")
    if call is None:
        fail("call", "missing")
    proof, signed = check_proof(account, call, entry.get("evidence"))
    chain_id, _ = fields.split_account(account)
    what = proof.get("intent")
    price = int(entry.get("amounts", {}).get("price", "0"))
    token = proof["token"]["address"] if proof["proof"] == "x402" else what["asset"]  # type: ignore[index]
    # An amount in another asset than the signed one would count in the wrong limits.
    paid = asset_of(chain_id, token) if proof["proof"] == "intent" else f"eip155:{chain_id}/erc20:{token}"
    if price > 0 and member(entry, "payment", "asset") != paid:
        fail("payment.asset", "mismatch")
    if what is not None and price > what["maxAmount"]:
        fail("amounts.price", "mismatch")
    if entry.get("binding") != ("none" if what is None else "intent"):
        fail("binding", "mismatch")
    if what is not None:
        if what["tool"] != entry.get("tool"):
            fail("tool", "mismatch")
        if request_digest(what) != entry.get("request"):
            fail("request", "mismatch")
    return proof, signed


def check_policies(entry: Entry) -> None:
    """The list of policies has the hash that the entry names. An entry that one policy bound has no list."""
    listed = member(entry, "evidence", "policies")
    if listed is not None and canonical_hash(listed) != entry.get("policy"):
        fail("evidence.policies", "mismatch")


def check_texts(entry: Entry) -> None:
    """The texts in a call's entry are the terms and one of the policies that the entry names by hash."""
    held = entry.get("evidence", {})
    if "document" in held and canonical_hash(held["document"]) != held.get("terms"):
        fail("evidence.document", "mismatch")
    listed = held.get("policies")
    named = [member(each, "hash") for each in listed] if isinstance(listed, list) else [entry.get("policy")]
    if "policy" in held and canonical_hash(held["policy"]) not in named:
        fail("evidence.policy", "mismatch")


def check_own_text(entry: Entry) -> None:
    """The text of a policy or a document that a command carries has the hash by which later entries name it."""
    for name in ("policy", "document"):
        text = member(entry, "evidence", name)
        if text is not None and canonical_hash(text) != member(entry, "outcome", "hash"):
            fail(f"evidence.{name}", "mismatch")


def check_listed(entry: Entry) -> None:
    """A text that the gateway logs for others to name has the hash that the entry states."""
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
    """The borrower returned and spent no more than the account granted."""
    if "evidence" in entry:
        fail("evidence", "unexpected")
    for counter in read_as(forms.closed_lease, entry, entry["type"])["outcome"]["counters"]:
        if int(counter["returned"]) + int(counter["spent"]) > int(counter["granted"]):
            fail("outcome.counters", "mismatch")


def check_denied(entry: Entry) -> None:
    """The fields of a denial are those of the call id, which commits to them. Its signature is not in the log."""
    account, evidence = entry["account"], entry.get("evidence")
    if member(evidence, "proof") == "x402":
        check_payment(account, entry.get("call"), read_as(forms.denied_payment, evidence), "evidence")
    else:
        what = read_as(forms.denied_intent, evidence)["intent"]
        chain_id, address = fields.split_account(account)
        if what["agent"] != address:
            fail("evidence.intent.agent", "mismatch")
        if "0x" + intent_digest(what, chain_id).hex() != entry.get("call"):
            fail("evidence.intent", "mismatch")
    check_policies(entry)
    check_texts(entry)


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


def check_consent(entry: Entry) -> List[Signed]:
    """The delegate's consent to a grant: an intent that registers the grant, or a proof that names it."""
    field = "evidence.consent"
    consent = member(entry, "evidence", "consent")
    if consent is None:
        fail(field, "missing")
    proof, signed = check_proof(entry["account"], None, consent, field)
    what = proof.get("intent")
    if what is None:
        fail(f"{field}.intent", "missing")
    if what["tool"] != REGISTRATION and what["authority"] != member(entry, "evidence", "grant"):
        fail(f"{field}.intent.authority", "mismatch")
    return signed
