"""The forms of signed fields and of the evidence that holds them (docs/audit-format.md, Signatures)."""

from __future__ import annotations

from typing import Any, Dict

import fields
from fields import Malformed, members
from meter import meter

intent = members(
    {
        "agent": fields.address, "audience": fields.printable(256), "tool": fields.printable(64),
        "method": fields.printable(32), "target": fields.printable(4096), "contentType": fields.printable(256),
        "payloadDigest": fields.bytes32, "payTo": fields.address, "asset": fields.address,
        "maxAmount": fields.uint256, "validAfter": fields.uint64, "validBefore": fields.uint64,
        "nonce": fields.bytes32, "authority": fields.bytes32,
    }
)  # fmt: skip

_delegation = members(
    {
        "issuer": fields.party, "delegate": fields.party, "audience": fields.printable(256),
        "tools": fields.tool_patterns, "payees": fields.payees, "asset": fields.address,
        "maxPerCall": fields.uint256, "maxTotal": fields.uint256, "windowSeconds": fields.stored,
        "maxPerWindow": fields.uint256, "validAfter": fields.stored, "validUntil": fields.stored,
        "epoch": fields.stored, "depth": fields.natural, "id": fields.bytes32, "parent": fields.bytes32,
    }
)  # fmt: skip

_revocation = members(
    {"issuer": fields.party, "id": fields.bytes32, "epoch": fields.stored, "issuedAt": fields.stored}
)


def delegation(value: Any) -> Dict[str, Any]:
    read: Dict[str, Any] = _delegation(value)
    wrong = [
        name
        for name, is_wrong in (
            ("depth", read["depth"] > 3),
            ("id", read["id"] == fields.ZERO_HASH),
            ("delegate", read["issuer"] == read["delegate"]),
            ("validUntil", read["validAfter"] >= read["validUntil"]),
        )
        if is_wrong
    ]
    if wrong:
        raise Malformed((wrong[0],))
    return read


def revocation(value: Any) -> Dict[str, Any]:
    read: Dict[str, Any] = _revocation(value)
    if (read["id"] == fields.ZERO_HASH) != (read["epoch"] != 0):
        raise Malformed(("epoch",))
    return read


_policies = fields.list_of(
    members(
        {
            "kind": fields.one_of("default", "operator", "owner", "grant"),
            "account": fields.account,
            "hash": fields.bytes32,
        }
    )
)
_amount = fields.matching("0|[1-9][0-9]{0,15}")


def _name(value: Any) -> str:
    if not 1 <= len(fields.text(value)) <= 256:
        raise Malformed()
    return str(value)


def _document(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed()
    return value


def _params(value: Any) -> Dict[str, Any]:
    """Where a tool's parameters are: a JSON pointer into the body, or a key of the query."""
    place = members({"pointer": fields.text}), members({"query": fields.text})
    readers = {name: place["query" in each] if isinstance(each, dict) else place[0] for name, each in _document(value).items()}
    for name in readers:
        _name(name)
    return dict(members(readers)(value))


tool_terms = members(
    {
        "tool": _name, "price": _amount, "pricing": fields.one_of("exact", "upto"), "meter?": meter, "asset?": fields.one_of("iso4217:USD"),
        "settlement": fields.one_of("deferred", "upfront", "credit", "free", "card"),
        "onSilence": fields.one_of("release", "keep"), "timeoutSeconds": fields.positive, "streamSeconds?": fields.positive,
        "requireBinding": fields.one_of("none", "intent"), "params": _params,
    }
)  # fmt: skip

def _read_params(value: Any) -> Dict[str, Any]:
    """The parameters that conditions compared; None: the tool declares no such parameter."""
    for each in _document(value).values():
        is_found = isinstance(each, dict) and each.get("found") is True
        if each is not None and not (each == {"found": False} and each["found"] is False):
            if not is_found or set(each) != {"found", "value"} or not isinstance(each["value"], str):
                raise Malformed()
    return dict(value)


# Members of a call's entry about the texts that decided the call.
_texts = {"terms?": fields.bytes32, "document?": tool_terms, "policy?": _document, "params?": _read_params}

listed_tool = members(
    {"evidence": members({"document": tool_terms}), "outcome": members({"name": _name, "hash": fields.bytes32})}, strict=False
)
default_policy = members(
    {"evidence": members({"policy": _document}), "outcome": members({"hash": fields.bytes32})}, strict=False
)
closed_lease = members(
    {
        "payment": members({"asset": fields.text, "to": fields.account, "grant": fields.bytes32}),
        "outcome": members(
            {
                "counters": fields.list_of(
                    members(
                        {
                            "name": _name, "start": fields.natural, "granted": _amount, "returned": _amount, "spent": _amount,
                        }
                    )
                )
            }
        ),
    },
    strict=False,
)  # fmt: skip

_payment = {
    "proof": fields.one_of("x402"),
    "audience?": fields.printable(256),
    "token": members(
        {"network": fields.text, "address": fields.address, "name": fields.text, "version": fields.text}
    ),
    "authorization": members(
        {
            "from": fields.address, "to": fields.address, "value": fields.uint256,
            "validAfter": fields.uint256, "validBefore": fields.uint256, "nonce": fields.bytes32,
        }
    ),
    "facilitator?": fields.address,
    "signatureDigest": fields.bytes32,
    "intent?": intent,
    "contractCheckedAt?": fields.natural,
    "policies?": _policies,
    **_texts,
}  # fmt: skip
_intent = {
    "proof": fields.one_of("intent"),
    "audience?": fields.printable(256),
    "intent": intent,
    "intentSignature": fields.signature,
    "contractCheckedAt?": fields.natural,
    "policies?": _policies,
    **_texts,
}
_judged = {"validBefore": fields.natural}

payment_proof = members(_payment)
intent_proof = members(_intent)
denied_payment = members({**_payment, "intentSignatureDigest?": fields.bytes32, **_judged})
denied_intent = members(
    {**{k: v for k, v in _intent.items() if k != "intentSignature"}, "intentSignatureDigest": fields.bytes32, **_judged}
)
grant_evidence = members(
    {"grant": fields.bytes32, "delegation": delegation, "signature": fields.signature, "contractCheckedAt?": fields.natural},
    strict=False,
)
revocation_evidence = members(
    {"hash": fields.bytes32, "revocation": revocation, "signature": fields.signature, "contractCheckedAt?": fields.natural},
    strict=False,
)
command_evidence = members(
    {
        "order": intent, "signature": fields.signature, "by": fields.account,
        "role": fields.one_of("operator", "owner"), "contractCheckedAt?": fields.natural,
    },
    strict=False,
)  # fmt: skip
