"""Recomputes test/vectors/countersign-v1.json: hashes, signatures to the byte, and cases that must fail."""

import hashlib
import json

import ed25519
import secp256k1
import wire


# Worked values of docs/wire-format.md (3 and 15), which the vectors lack.
REQUEST_DIGESTS = {
    "paid": "0x51db86939215eb74d685a646e36f724881e5c51335a63997f8abbd3b5229cabf",
    "unpaid": "0xe572a2c118418b06a646d21a847dfa564ebb9c7a1ecf116da99b5ee0844b2ffb",
}
ENTRY_SALT = "0x00112233445566778899aabbccddeeff"
ENTRY_HASH = "0xf6930b49185ba45edffe6f80790e18d351df4734d07ffec5cddb29d418d4c67e"

# RFC 8032, section 7.1, test 1: key and signature of the empty message.
ED25519_KEY = "0xd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
ED25519_SIGNATURE = (
    "0xe5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


class Comparison:
    """Compares values, counts the results and prints each difference."""

    def __init__(self):
        self.matched = 0
        self.different = 0

    def same(self, name, computed, expected):
        if computed == expected:
            self.matched += 1
            print(f"  ok    {name}")
        else:
            self.different += 1
            print(f"  WRONG {name}\n        computed {computed}\n        expected {expected}")


def recovered(digest, signature):
    """The signer, or the rule that the signature breaks."""
    try:
        return secp256k1.recover(digest, signature)
    except secp256k1.BadSignature as fault:
        return f"refused: {fault}"


def check_request(check, name, request, intent):
    """Checks that the six fields that a gateway observes equal those of the request (3)."""
    audience, _, rest = request["url"].partition("/tools/")
    body = request["body"].encode()
    seen = {
        "audience": audience,
        "tool": intent["tool"],
        "method": request["method"],
        "target": "/tools/" + rest,
        "contentType": request["contentType"],
        "payloadDigest": wire.sha256(body),
    }
    for field in wire.REQUEST_FIELDS:
        check.same(f"{name}.intent.{field} from the request", seen[field], intent[field])


def check_signed(check, name, digest, key, person, signature):
    """Checks that a signature is reproduced to the byte, and recovers its signer."""
    check.same(f"{name} signature", secp256k1.sign(key, digest), signature)
    check.same(f"{name} signer", recovered(digest, signature), person["address"].lower())


def check_payment(check, name, payment, token, chain_id, key, person):
    digest = wire.transfer_digest(payment["authorization"], token, chain_id)
    check.same(f"{name} digest", wire.hex_of(digest), payment["digest"])
    check_signed(check, name, digest, key, person, payment["signature"])


def check_mark(check, vectors, chain_id, token):
    """Checks that bound payments carry the mark, and that another value needs another signature (6, The mark)."""
    paid, fail = vectors["paid"], vectors["mustFail"]
    agent = vectors["keys"]["agent"]
    key = int(agent["privateKey"], 16)
    check.same("boundValidAfter", wire.BOUND_VALID_AFTER, vectors["boundValidAfter"])
    for name in ("payment", "paymentSettledLater"):
        mark = wire.mark_of(paid[name]["authorization"]["validAfter"])
        check.same(f"paid.{name} mark", mark, "bound")
    stripped = fail["strippedPayment"]
    check.same("mustFail.strippedPayment mark", wire.mark_of(stripped["authorization"]["validAfter"]), "bound")
    marks = {"0": "none", "1131378029": "none", "1131378031": "unknown", "1799999990": "none"}
    check.same("mustFail.unmarkedPayments", sorted(fail["unmarkedPayments"]), sorted(marks))
    for value, payment in [("stripped", stripped), *fail["unmarkedPayments"].items()]:
        authorization = payment["authorization"]
        digest = wire.transfer_digest(authorization, token, chain_id)
        check_signed(check, f"mustFail payment {value}", digest, key, agent, payment["signature"])
        if value in marks:
            check.same(f"mustFail.unmarkedPayments.{value} value", authorization["validAfter"], value)
            mark = wire.mark_of(authorization["validAfter"])
            check.same(f"mustFail.unmarkedPayments.{value} mark", mark, marks[value])


def is_retry_key(text, nonce):
    """Whether a gateway accepts this header for an intent with this nonce (10, The retry key)."""
    try:
        secret = wire.bytes_of_base64url(text)
    except ValueError:
        return False
    return wire.retry_key(secret) == text and wire.retry_nonce(secret) == nonce


def check_retry(check, vectors):
    retry = vectors["retry"]
    secret = wire.bytes_of(retry["secret"])
    check.same("retry nonce", wire.retry_nonce(secret), retry["nonce"])
    check.same("retry header", wire.retry_key(secret), retry["header"])
    check.same("retry header is accepted", is_retry_key(retry["header"], retry["nonce"]), True)
    for name in ("paid", "unpaid", "mcp"):
        check.same(f"{name} nonce", vectors[name]["intent"]["nonce"], retry["nonce"])
    for name, text in vectors["mustFail"]["retrySecrets"].items():
        check.same(f"mustFail.retrySecrets.{name} is rejected", is_retry_key(text, retry["nonce"]), False)


def check_must_fail(check, vectors, chain_id, token):
    """Checks that no bad encoding recovers the agent, and that each changed intent has another digest."""
    agent = vectors["keys"]["agent"]["address"].lower()
    paid, unpaid, fail = vectors["paid"], vectors["unpaid"], vectors["mustFail"]
    digests = {
        "unpaidSignatureEncodings": wire.intent_digest(unpaid["intent"], chain_id),
        "paymentSignatureEncodings": wire.transfer_digest(
            paid["payment"]["authorization"], token, chain_id
        ),
    }
    for group, digest in digests.items():
        for name, signature in fail[group].items():
            who = recovered(digest, signature)
            check.same(f"mustFail.{group}.{name} is not the agent's ({who})", who != agent, True)
    for name, mutation in fail["paidIntentMutations"].items():
        on = mutation.get("chainId", chain_id)
        computed = wire.hex_of(wire.intent_digest({**paid["intent"], **mutation["change"]}, on))
        check.same(f"mustFail.paidIntentMutations.{name} hash", computed, mutation["intentHash"])
        nonce = paid["payment"]["authorization"]["nonce"]
        check.same(f"mustFail.paidIntentMutations.{name} is not the nonce", computed != nonce, True)


def check_worked(check, vectors, chain_id):
    """Checks the worked values of the page that the vectors lack."""
    for name, expected in REQUEST_DIGESTS.items():
        check.same(f"{name} request digest", wire.request_digest(vectors[name]["intent"]), expected)
    agent = vectors["keys"]["agent"]["address"].lower()
    entry = {
        "v": 1,
        "type": "call.accepted",
        "seq": 1,
        "account": f"eip155:{chain_id}:{agent}",
        "prev": wire.ZERO_HASH,
        "salt": ENTRY_SALT,
        "at": vectors["clock"],
        "call": vectors["paid"]["intentHash"],
        "tool": "translate",
        "amounts": {"price": "20000"},
    }
    check.same("entry hash", wire.entry_hash(entry), ENTRY_HASH)
    public, signature = wire.bytes_of(ED25519_KEY), wire.bytes_of(ED25519_SIGNATURE)
    check.same("Ed25519 signature", ed25519.verify(public, b"", signature), True)
    check.same("Ed25519 of another message", ed25519.verify(public, b"x", signature), False)


def check_vectors(path):
    """Prints every result. Returns whether all values match."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    check = Comparison()
    chain_id = vectors["domain"]["chainId"]
    keys = {name: int(person["privateKey"], 16) for name, person in vectors["keys"].items()}
    agent, owner = vectors["keys"]["agent"], vectors["keys"]["owner"]
    for name, person in vectors["keys"].items():
        check.same(f"{name} address", secp256k1.address_of_key(keys[name]), person["address"].lower())

    separator = wire.domain_separator(chain_id)
    check.same("domainSeparator", wire.hex_of(separator), vectors["domainSeparator"])
    strings = {
        "AgentIntent": wire.AGENT_INTENT,
        "AgentDelegation": wire.AGENT_DELEGATION,
        "AgentRevocation": wire.AGENT_REVOCATION,
    }
    for name, text in strings.items():
        check.same(f"{name} type string", text, vectors["typeStrings"][name])
        check.same(f"{name} type hash", wire.hex_of(wire.type_hash(text)), vectors["typeHashes"][name])

    paid = vectors["paid"]
    check_request(check, "paid", paid["request"], paid["intent"])
    nonce = wire.hex_of(wire.intent_digest(paid["intent"], chain_id))
    check.same("paid intent hash", nonce, paid["intentHash"])
    check.same("paid nonce is the intent hash", paid["payment"]["authorization"]["nonce"], nonce)
    check.same("paid permit2Nonce", str(int(nonce, 16)), paid["payment"]["permit2Nonce"])
    domain = paid["payment"]["domain"]
    token = {
        "name": domain["name"],
        "version": domain["version"],
        "asset": domain["verifyingContract"],
    }
    for name in ("payment", "paymentSettledLater"):
        check_payment(check, f"paid.{name}", paid[name], token, chain_id, keys["agent"], agent)

    unpaid, mcp = vectors["unpaid"], vectors["mcp"]
    check_request(check, "unpaid", unpaid["request"], unpaid["intent"])
    payload = hashlib.sha256(mcp["canonicalPayload"].encode()).hexdigest()
    check.same("mcp payloadDigest", "0x" + payload, mcp["intent"]["payloadDigest"])
    for name, vector in (("unpaid", unpaid), ("mcp", mcp)):
        digest = wire.intent_digest(vector["intent"], chain_id)
        check.same(f"{name} intent hash", wire.hex_of(digest), vector["intentHash"])
        check_signed(check, name, digest, keys["agent"], agent, vector["signature"])

    for name, text in (("delegation", wire.AGENT_DELEGATION), ("revocation", wire.AGENT_REVOCATION)):
        vector = vectors[name]
        digest = wire.digest(separator, wire.struct_hash(text, vector["message"]))
        check.same(f"{name} hash", wire.hex_of(digest), vector["hash"])
        check_signed(check, name, digest, keys["owner"], owner, vector["signature"])

    check_mark(check, vectors, chain_id, token)
    check_retry(check, vectors)
    check_must_fail(check, vectors, chain_id, token)
    check_worked(check, vectors, chain_id)
    print(f"{check.matched} matched, {check.different} different")
    return check.different == 0
