"""Signatures of Ethereum keys: RFC 6979, low s, 65 bytes r, s, v (docs/wire-format.md, 4).

An example only: the arithmetic is not constant-time, so never use it with a key whose signing others can time (CWE-208).
"""

import hashlib
import hmac

from keccak import keccak256

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
WRAPPERS = (b"\x64\x92" * 16, b"\x80\x10" * 16)


class BadSignature(Exception):
    """A signature that breaks a rule; the message is the rule."""


def add(left, right):
    """Sum of two points; None is the point at infinity."""
    if left is None:
        return right
    if right is None:
        return left
    if left[0] == right[0]:
        if (left[1] + right[1]) % FIELD == 0:
            return None
        slope = 3 * left[0] * left[0] * pow(2 * left[1], -1, FIELD)
    else:
        slope = (right[1] - left[1]) * pow(right[0] - left[0], -1, FIELD)
    x = (slope * slope - left[0] - right[0]) % FIELD
    return x, (slope * (left[0] - x) - left[1]) % FIELD


def multiply(scalar, point):
    total = None
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def address_of_point(point):
    public = point[0].to_bytes(32, "big") + point[1].to_bytes(32, "big")
    return "0x" + keccak256(public)[12:].hex()


def address_of_key(key):
    """The address of a private key (a number), lower case."""
    return address_of_point(multiply(key, BASE))


def nonces(key, digest):
    """Candidates for k by RFC 6979, section 3.2, with HMAC-SHA-256."""
    secret = key.to_bytes(32, "big")
    message = (int.from_bytes(digest, "big") % ORDER).to_bytes(32, "big")

    def mac(state, data):
        return hmac.new(state, data, hashlib.sha256).digest()

    value, state = b"\x01" * 32, b"\x00" * 32
    for separator in (b"\x00", b"\x01"):
        state = mac(state, value + separator + secret + message)
        value = mac(state, value)
    while True:
        value = mac(state, value)
        candidate = int.from_bytes(value, "big")
        if 1 <= candidate < ORDER:
            yield candidate
        state = mac(state, value + b"\x00")
        value = mac(state, value)


def sign(key, digest):
    """The signature of a 32-byte digest as 0x hex of 65 bytes."""
    for k in nonces(key, digest):
        x, y = multiply(k, BASE)
        r = x % ORDER
        s = pow(k, -1, ORDER) * (int.from_bytes(digest, "big") + r * key) % ORDER
        # x >= ORDER would need another v than 27 and 28. Its probability is about 2^-128.
        if r == 0 or s == 0 or x >= ORDER:
            continue
        parity = y & 1
        if s > ORDER // 2:
            s, parity = ORDER - s, parity ^ 1
        return "0x" + (r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])).hex()


def recover(digest, signature):
    """The address whose key signed a digest. Raises BadSignature for every signature that a gateway rejects."""
    raw = bytes.fromhex(signature[2:])
    if raw[-32:] in WRAPPERS:
        raise BadSignature("a wrapper (ERC-6492, ERC-8010)")
    if len(raw) != 65:
        raise BadSignature(f"has {len(raw)} bytes, not 65")
    r, s, v = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big"), raw[64]
    if v not in (27, 28):
        raise BadSignature(f"v is {v}, not 27 or 28")
    if not 1 <= r < ORDER:
        raise BadSignature("r is out of range")
    if not 1 <= s < ORDER:
        raise BadSignature("s is out of range")
    if s > ORDER // 2:
        raise BadSignature("s is high")
    square = (pow(r, 3, FIELD) + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        raise BadSignature("r is not on the curve")
    if y & 1 != v - 27:
        y = FIELD - y
    inverse = pow(r, -1, ORDER)
    message = int.from_bytes(digest, "big")
    point = add(
        multiply(-message * inverse % ORDER, BASE),
        multiply(s * inverse % ORDER, (r, y)),
    )
    if point is None:
        raise BadSignature("recovers no key")
    return address_of_point(point)
