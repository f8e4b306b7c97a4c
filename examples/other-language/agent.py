#!/usr/bin/env python3
"""An agent in another language, written from docs/wire-format.md with the standard library alone.

  python3 agent.py --vectors ../../test/vectors/countersign-v1.json
  python3 agent.py --gateway http://127.0.0.1:8787 --key 0x… [--paid /tools/lookup?word=river] [--free /tools/whoami]

The first command recomputes all test vectors and exits with 1 if one differs. The second makes a paid, bound call, looks
it up, makes a free, signed call, and verifies the receipts. While `npm start` is running, .dev/stack.json has test keys.
Other users of the machine can read command lines, so pass a valuable key in the variable AGENT_KEY.

Numbers in parentheses are sections of docs/wire-format.md.
"""

import argparse
import email.utils
import http.client
import json
import os
import re
import secrets
import sys
import time
import urllib.parse

import ed25519
import secp256k1
import wire
from vectors import check_vectors

MAX_PER_CALL = 50_000  # $0.05
ATTEMPTS = 4


class Refused(Exception):
    """The gateway or this agent refuses to continue."""


class Answer:
    def __init__(self, response, body):
        self.status = response.status
        self.headers = response.headers
        self.body = body

    def now(self):
        """The gateway's clock (6), because the local clock may be wrong."""
        date = self.headers["Date"]
        return int(email.utils.parsedate_to_datetime(date).timestamp() if date else time.time())


def send(audience, target, headers):
    """Sends one GET whose request line is exactly `target`. Follows no redirect: a proof is for one address."""
    url = urllib.parse.urlsplit(audience)
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.netloc, timeout=60)
    try:
        connection.request("GET", target, headers={"Accept": "application/json", **headers})
        response = connection.getresponse()
        return Answer(response, response.read())
    finally:
        connection.close()


def send_signed(audience, target, proof, secret):
    """Sends one proof until the gateway answers: never a new proof, and with the secret from the second attempt on (10, 11)."""
    headers = proof
    for attempt in range(1, ATTEMPTS + 1):
        wait = 1
        try:
            answer = send(audience, target, headers)
            final = b'"final":true' in answer.body
            later = answer.status in (409, 503) and "Retry-After" in answer.headers and not final
            # A proxy repeated the first attempt, and its repeat got the answer.
            repeated = attempt == 1 and answer.status == 409 and b"already-used" in answer.body
            if attempt == ATTEMPTS or not (later or repeated):
                return answer
            wait = min(int(answer.headers.get("Retry-After", "0")), 30)
        except (OSError, http.client.HTTPException):
            if attempt == ATTEMPTS:
                raise
        headers = {**proof, "Agent-Retry-Key": wire.retry_key(secret)}
        time.sleep(wait)


def expect(answer, status, what):
    if answer.status != status:
        raise Refused(f"{what}: {answer.status} instead of {status}: {answer.body.decode()}")


def new_intent(agent, audience, tool, target, now, costs):
    """Creates an intent for a GET without body, and its secret. `costs`: payTo, asset and maxAmount, or empty."""
    secret = secrets.token_bytes(32)
    intent = {
        "agent": agent,
        "audience": audience,
        "tool": tool,
        "method": "GET",
        "target": target,
        "contentType": "",
        "payloadDigest": wire.sha256(b""),
        "payTo": costs.get("payTo", wire.ZERO_ADDRESS),
        "asset": costs.get("asset", wire.ZERO_ADDRESS),
        "maxAmount": costs.get("maxAmount", "0"),
        "validAfter": str(now - 60),
        "validBefore": str(now + 180),
        "nonce": wire.retry_nonce(secret),
        "authority": wire.ZERO_HASH,
    }
    return intent, secret


def acceptable(accepts):
    """The first entry that this agent can pay within its cap (5)."""
    for entry in accepts:
        chain_id = int(entry["network"].removeprefix("eip155:"))
        token = wire.USDC.get(chain_id)
        if token is None or entry["scheme"] != "exact":
            continue
        if entry["asset"].lower() == token["asset"] and int(entry["amount"]) <= MAX_PER_CALL:
            return entry, chain_id, token
    raise Refused(f"The offer has no entry that this agent can pay: {accepts}")


def same_audience(requested, audience):
    """Rejects another origin than the called one: a signature for it could be used there (3)."""
    if requested != audience:
        raise Refused(f"The agent called {audience}, but the server requests a signature for {requested}")


def check_receipt(answer, audience, intent, account, call):
    """Verifies Agent-Receipt with the key of the called origin, then each claim against the request and the answer (13)."""
    header, payload, signature = answer.headers["Agent-Receipt"].split(".")
    protected = json.loads(wire.bytes_of_base64url(header))
    keys = json.loads(send(audience, "/.well-known/jwks.json", {}).body)["keys"]
    key = next(key for key in keys if key["kid"] == protected["kid"])
    public = wire.bytes_of_base64url(key["x"])
    signed = f"{header}.{payload}".encode()
    if (protected["alg"], protected["typ"]) != ("EdDSA", "agent-receipt+jwt"):
        raise Refused(f"The token is not a receipt: {protected}")
    if not ed25519.verify(public, signed, wire.bytes_of_base64url(signature)):
        raise Refused("The signature of the receipt is invalid")
    claims = json.loads(wire.bytes_of_base64url(payload))
    expected = {
        "iss": audience,
        "agent": account,
        "tool": intent["tool"],
        "call": call,
        "request": wire.request_digest(intent),
        "binding": "intent",
        "status": answer.status,
        "response": wire.sha256(answer.body),
    }
    for name, value in expected.items():
        if claims.get(name) != value:
            raise Refused(f"The claim {name} of the receipt is {claims.get(name)}, not {value}")
    if int(claims["charged"]) > int(intent["maxAmount"]):
        raise Refused(f"The receipt charges {claims['charged']}, more than the agent signed for")
    return claims


def pay(audience, target, key):
    """GET → 402 → sign → 200, with a payment that is bound to exactly this request (6)."""
    agent = secp256k1.address_of_key(key)
    unsigned = send(audience, target, {})
    expect(unsigned, 402, "unsigned request")
    offer = wire.from_base64(unsigned.headers["PAYMENT-REQUIRED"])
    accepted, chain_id, token = acceptable(offer["accepts"])
    bound = offer.get("extensions", {}).get("agent-intent", {}).get("info", {})
    if (bound.get("version"), bound.get("binding")) != (1, "eip3009-nonce"):
        raise Refused(f"The offer has no binding that this agent supports: {bound}")
    same_audience(bound["audience"], audience)

    now = unsigned.now()
    costs = {
        "payTo": accepted["payTo"],
        "asset": accepted["asset"],
        "maxAmount": accepted["amount"],
    }
    intent, secret = new_intent(agent, audience, bound["tool"], target, now, costs)
    call = wire.hex_of(wire.intent_digest(intent, chain_id))
    authorization = {
        "from": agent,
        "to": accepted["payTo"],
        "value": accepted["amount"],
        "validAfter": wire.BOUND_VALID_AFTER,
        "validBefore": str(now + accepted["maxTimeoutSeconds"]),
        "nonce": call,
    }
    signature = secp256k1.sign(key, wire.transfer_digest(authorization, token, chain_id))
    header = wire.payment_header(accepted, authorization, signature, intent)
    proof = {"PAYMENT-SIGNATURE": header}
    answer = send_signed(audience, target, proof, secret)
    expect(answer, 200, "paid request")
    claims = check_receipt(answer, audience, intent, f"eip155:{chain_id}:{agent}", call)
    # Only the secret unlocks the stored answer, e.g. after a lost one.
    expect(send(audience, target, proof), 409, "repeat without the retry key")
    again = send(audience, target, {**proof, "Agent-Retry-Key": wire.retry_key(secret)})
    expect(again, 200, "repeat with the retry key")
    if again.body != answer.body:
        raise Refused("The repeat returned another answer")
    return answer, claims, wire.from_base64(answer.headers["PAYMENT-RESPONSE"])


def prove(audience, target, key):
    """GET → 401 → sign → 200 for a free call (8). Returns the answer, the intent, the account and the call id."""
    agent = secp256k1.address_of_key(key)
    unsigned = send(audience, target, {})
    expect(unsigned, 401, "unsigned request")
    scheme, _, rest = unsigned.headers["WWW-Authenticate"].partition(" ")
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', rest))
    if scheme != "AgentIntent" or not {"audience", "chains", "tool"} <= challenge.keys():
        raise Refused(f"The 401 has no challenge that this agent supports: {scheme} {challenge}")
    same_audience(challenge["audience"], audience)

    chain_id = int(challenge["chains"].split(" ")[0].removeprefix("eip155:"))
    intent, secret = new_intent(agent, audience, challenge["tool"], target, unsigned.now(), {})
    digest = wire.intent_digest(intent, chain_id)
    header = wire.agent_intent_header(intent, secp256k1.sign(key, digest), chain_id)
    answer = send_signed(audience, target, {"Agent-Intent": header}, secret)
    expect(answer, 200, "signed request")
    return answer, intent, f"eip155:{chain_id}:{agent}", wire.hex_of(digest)


def use(audience, target, key):
    """Calls a free tool and verifies its receipt."""
    answer, intent, account, call = prove(audience, target, key)
    return answer, check_receipt(answer, audience, intent, account, call)


def look_up(audience, call, key):
    """Looks up the outcome of a call of this account (12)."""
    answer, intent, _, _ = prove(audience, f"/calls/{call}", key)
    if intent["tool"] != "countersign.calls":
        raise Refused(f"The server requests a signature for the tool {intent['tool']}")
    return json.loads(answer.body)


def report(name, answer, claims):
    print(f"{name}: {answer.status} {answer.body.decode()}")
    print(f"  receipt verified: charged {claims['charged']}, call {claims['call']}")


def call_gateway(gateway, key, paid, free):
    answer, claims, payment = pay(gateway, paid, key)
    report("paid, bound", answer, claims)
    print("  repeated with its retry key: the same answer")
    print(f"  payment {payment['extra']['status']}: {payment['transaction'] or 'settles later'}")
    found = look_up(gateway, claims["call"], key)
    print(f"looked up: {found['state']}, charged {found['charged']}, binding {found['binding']}")
    report("free, signed", *use(gateway, free, key))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--vectors", metavar="FILE")
    parser.add_argument("--gateway", metavar="ORIGIN")
    key = os.environ.get("AGENT_KEY")
    parser.add_argument("--key", metavar="HEX", default=key, help="private key; or in AGENT_KEY")
    parser.add_argument("--paid", metavar="TARGET", default="/tools/lookup?word=river")
    parser.add_argument("--free", metavar="TARGET", default="/tools/whoami")
    options = parser.parse_args()
    if options.vectors:
        return 0 if check_vectors(options.vectors) else 1
    if options.gateway and options.key:
        try:
            call_gateway(options.gateway, int(options.key, 16), options.paid, options.free)
        except Refused as refused:
            print(refused, file=sys.stderr)
            return 1
        return 0
    parser.error("either --vectors, or --gateway and --key")


if __name__ == "__main__":
    sys.exit(main())
