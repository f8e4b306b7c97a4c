"""EIP-712 digests of intents, grants, revocations and payments (docs/wire-format.md §2, §6, §16). fields.py has read their members."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Dict, List, Tuple

from canonical import sha256_hex
from keccak import keccak256

AGENT_INTENT = (
    "AgentIntent(address agent,string audience,string tool,string method,string target,string contentType,"
    "bytes32 payloadDigest,address payTo,address asset,uint256 maxAmount,uint64 validAfter,uint64 validBefore,"
    "bytes32 nonce,bytes32 authority)"
)
AGENT_DELEGATION = (
    "AgentDelegation(address issuer,address delegate,string audience,string[] tools,address[] payees,address asset,"
    "uint256 maxPerCall,uint256 maxTotal,uint64 windowSeconds,uint256 maxPerWindow,uint64 validAfter,"
    "uint64 validUntil,uint64 epoch,uint32 depth,bytes32 id,bytes32 parent)"
)
AGENT_REVOCATION = "AgentRevocation(address issuer,bytes32 id,uint64 epoch,uint64 issuedAt)"
TRANSFER = (
    "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,"
    "bytes32 nonce)"
)
PERMITTED = "TokenPermissions(address token,uint256 amount)"
WITNESS = "Witness(address to,address facilitator,uint256 validAfter)"
PERMIT = (
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,Witness witness)"
    + PERMITTED
    + WITNESS
)
PERMIT2 = "0x000000000022d473030f116ddee9f6b43ac78ba3"
UPTO_PROXY = "0x4020a4f3b7b90cca423b9fabcc0ce57c6c240002"
"""Permit2, and the proxy of the x402 scheme `upto`, on every chain that has them."""
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId)"
PERMIT_DOMAIN = "EIP712Domain(string name,uint256 chainId,address verifyingContract)"
TOKEN_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

REQUEST_FIELDS = ("audience", "tool", "method", "target", "contentType", "payloadDigest")


@lru_cache(maxsize=4096)
def _string_word(value: str) -> bytes:
    return keccak256(value.encode())


@lru_cache(maxsize=16)
def _kinds(type_string: str) -> Tuple[bytes, List[Tuple[str, str]]]:
    """Type hash and the members (kind, name) of a type."""
    inner = type_string[type_string.index("(") + 1 : -1]
    kinds = [(kind, name) for kind, name in (each.split(" ") for each in inner.split(","))]
    return keccak256(type_string.encode()), kinds


def _word(kind: str, value: Any) -> bytes:
    """Encodes one member as 32 bytes; an array as the hash of its words."""
    if kind.endswith("[]"):
        return keccak256(b"".join(_word(kind[:-2], each) for each in value))
    if kind == "string":
        return _string_word(value)
    if kind == "address":
        return bytes.fromhex(value[2:]).rjust(32, b"\0")
    if kind == "bytes32":
        return bytes.fromhex(value[2:])
    return int(value).to_bytes(32, "big")


def struct_hash(type_string: str, values: Dict[str, Any]) -> bytes:
    type_hash, kinds = _kinds(type_string)
    return keccak256(type_hash + b"".join(_word(kind, values[name]) for kind, name in kinds))


@lru_cache(maxsize=64)
def domain(chain_id: int) -> bytes:
    """The domain separator of intents, grants and revocations."""
    return struct_hash(DOMAIN, {"name": "Countersign", "version": "1", "chainId": chain_id})


@lru_cache(maxsize=64)
def token_domain(chain_id: int, contract: str, name: str, version: str) -> bytes:
    """The domain separator of a token's authorizations."""
    values = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": contract}
    return struct_hash(TOKEN_DOMAIN, values)


def digest(separator: bytes, type_string: str, values: Dict[str, Any]) -> bytes:
    """The 32 bytes that a key signs."""
    return keccak256(b"\x19\x01" + separator + struct_hash(type_string, values))


def intent_digest(intent: Dict[str, Any], chain_id: int) -> bytes:
    return digest(domain(chain_id), AGENT_INTENT, intent)


def delegation_digest(delegation: Dict[str, Any], chain_id: int) -> bytes:
    return digest(domain(chain_id), AGENT_DELEGATION, delegation)


def revocation_digest(revocation: Dict[str, Any], chain_id: int) -> bytes:
    return digest(domain(chain_id), AGENT_REVOCATION, revocation)


def transfer_digest(authorization: Dict[str, Any], token: Tuple[str, str, str], chain_id: int) -> bytes:
    """`token`: contract, name and version from networks.py, never from the file."""
    return digest(token_domain(chain_id, *token), TRANSFER, authorization)


def permit_digest(authorization: Dict[str, Any], facilitator: str, token: Tuple[str, str, str], chain_id: int) -> bytes:
    """What the payer of an `upto` payment signs. Its fields are those of `authorization` (docs/wire-format.md)."""
    separator = struct_hash(PERMIT_DOMAIN, {"name": "Permit2", "chainId": chain_id, "verifyingContract": PERMIT2})
    permitted = struct_hash(PERMITTED, {"token": token[0], "amount": authorization["value"]})
    witness = struct_hash(
        WITNESS, {"to": authorization["to"], "facilitator": facilitator, "validAfter": authorization["validAfter"]}
    )
    words = [permitted, _word("address", UPTO_PROXY), _word("bytes32", authorization["nonce"])]
    words += [_word("uint256", authorization["validBefore"]), witness]
    return keccak256(b"\x19\x01" + separator + keccak256(keccak256(PERMIT.encode()) + b"".join(words)))


def request_digest(intent: Dict[str, Any]) -> str:
    """One hash of the six fields that identify a request (docs/wire-format.md §3)."""
    text = b"countersign-request/1\n"
    for name in REQUEST_FIELDS:
        value = intent[name].encode()
        text += len(value).to_bytes(4, "big") + value
    return sha256_hex(text)
