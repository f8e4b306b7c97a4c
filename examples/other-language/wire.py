"""Digests and headers of docs/wire-format.md; numbers in parentheses are its sections. Structures are dicts in JSON form."""

import base64
import hashlib
import json

from keccak import keccak256

ZERO_ADDRESS = "0x" + "00" * 20
ZERO_HASH = "0x" + "00" * 32

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
DOMAIN = "EIP712Domain(string name,string version,uint256 chainId)"
TOKEN_DOMAIN = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"

# `validAfter` of a bound payment, which a gateway rejects without its intent (6, The mark).
BOUND_VALID_AFTER = "1131378030"
RESERVED_VALUES = 256

# The tokens that this agent pays with. A server's `extra` must never choose the EIP-712 domain of a payment (5).
USDC = {
    84532: {"name": "USDC", "version": "2", "asset": "0x036cbd53842c5426634e7929541ec2318f3dcf7e"},
    8453: {"name": "USD Coin", "version": "2", "asset": "0x833589fcd6edb6e08f4c7c32d4f71b54bda02913"},
}


def hex_of(data):
    return "0x" + data.hex()


def bytes_of(text):
    return bytes.fromhex(text[2:])


def sha256(data):
    return hex_of(hashlib.sha256(data).digest())


def retry_nonce(secret):
    """The nonce of an intent: a commitment to 32 bytes that only the client knows (2, Nonce and secret)."""
    return sha256(b"countersign-retry/1\n" + secret)


def retry_key(secret):
    """The header Agent-Retry-Key (10)."""
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def encode(kind, value):
    """Encodes one member as 32 bytes (2, Digest, step 3; arrays as in 16)."""
    if kind.endswith("[]"):
        return keccak256(b"".join(encode(kind[:-2], each) for each in value))
    if kind == "string":
        return keccak256(value.encode())
    if kind == "address":
        return bytes_of(value).rjust(32, b"\0")
    if kind == "bytes32":
        return bytes_of(value)
    return int(value).to_bytes(32, "big")


def type_hash(type_string):
    return keccak256(type_string.encode())


def struct_hash(type_string, values):
    """Hashes type hash and members, in the order of the type string (2, Digest, steps 2 to 4)."""
    members = type_string[type_string.index("(") + 1 : -1].split(",")
    kinds = [member.split(" ") for member in members]
    return keccak256(
        type_hash(type_string) + b"".join(encode(kind, values[name]) for kind, name in kinds)
    )


def domain_separator(chain_id):
    return struct_hash(DOMAIN, {"name": "Countersign", "version": "1", "chainId": chain_id})


def digest(domain, struct):
    return keccak256(b"\x19\x01" + domain + struct)


def intent_digest(intent, chain_id):
    """The digest that an agent signs. Also the nonce of a bound payment, and the call id."""
    return digest(domain_separator(chain_id), struct_hash(AGENT_INTENT, intent))


def token_domain_separator(token, chain_id):
    return struct_hash(
        TOKEN_DOMAIN,
        {
            "name": token["name"],
            "version": token["version"],
            "chainId": chain_id,
            "verifyingContract": token["asset"],
        },
    )


def transfer_digest(authorization, token, chain_id):
    """The digest of an EIP-3009 authorization, which a payer signs (6)."""
    return digest(token_domain_separator(token, chain_id), struct_hash(TRANSFER, authorization))


def mark_of(valid_after):
    """The binding that an authorization states (6, The mark): "bound", "unknown" or "none"."""
    form = int(valid_after) - int(BOUND_VALID_AFTER)
    if form == 0:
        return "bound"
    return "unknown" if 0 < form < RESERVED_VALUES else "none"


REQUEST_FIELDS = ("audience", "tool", "method", "target", "contentType", "payloadDigest")


def request_digest(fields):
    """Hashes every field that identifies a request (3)."""
    text = b"countersign-request/1\n"
    for name in REQUEST_FIELDS:
        value = fields[name].encode()
        text += len(value).to_bytes(4, "big") + value
    return sha256(text)


def entry_hash(entry):
    """Hash of a log entry (15)."""
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(b"countersign-entry/1\n" + text.encode())


def to_base64(value):
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def from_base64(text):
    return json.loads(base64.b64decode(text, validate=True))


def to_base64url(value):
    return to_base64(value).replace("+", "-").replace("/", "_").rstrip("=")


def bytes_of_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def agent_intent_header(intent, signature, chain_id):
    """The header Agent-Intent (8)."""
    return to_base64url(
        {"v": 1, "chainId": str(chain_id), "intent": intent, "signature": signature}
    )


def payment_header(accepted, authorization, signature, intent):
    """The header PAYMENT-SIGNATURE of a bound payment (6)."""
    return to_base64(
        {
            "x402Version": 2,
            "accepted": accepted,
            "payload": {"signature": signature, "authorization": authorization},
            "extensions": {"agent-intent": {"info": {"intent": intent}}},
        }
    )
