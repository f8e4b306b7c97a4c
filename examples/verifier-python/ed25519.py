"""Verifies Ed25519 signatures (RFC 8032 §5.1.7): receipts and checkpoints."""

from __future__ import annotations

import hashlib
from typing import Optional, Tuple

FIELD = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
CURVE = -121665 * pow(121666, -1, FIELD) % FIELD
ROOT = pow(2, (FIELD - 1) // 4, FIELD)

Point = Tuple[int, int, int, int]
IDENTITY: Point = (0, 1, 1, 0)


def add(left: Point, right: Point) -> Point:
    """Sum of two points in extended coordinates (X, Y, Z, T). The formula is complete."""
    a = (left[1] - left[0]) * (right[1] - right[0]) % FIELD
    b = (left[1] + left[0]) * (right[1] + right[0]) % FIELD
    c = 2 * left[3] * right[3] * CURVE % FIELD
    d = 2 * left[2] * right[2] % FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % FIELD, g * h % FIELD, f * g % FIELD, e * h % FIELD


def multiply(scalar: int, point: Point) -> Point:
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def is_equal(left: Point, right: Point) -> bool:
    return (left[0] * right[2] - right[0] * left[2]) % FIELD == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % FIELD == 0


def decode(text: bytes) -> Optional[Point]:
    """The point of 32 bytes, or None."""
    value = int.from_bytes(text, "little")
    sign, y = value >> 255, value & ((1 << 255) - 1)
    if y >= FIELD:
        return None
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, FIELD) % FIELD
    x = pow(square, (FIELD + 3) // 8, FIELD)
    if x * x % FIELD != square:
        x = x * ROOT % FIELD
    if x * x % FIELD != square or (x == 0 and sign == 1):
        return None
    if x & 1 != sign:
        x = FIELD - x
    return x, y, 1, x * y % FIELD


_base = decode((4 * pow(5, -1, FIELD) % FIELD).to_bytes(32, "little"))
assert _base is not None
BASE: Point = _base


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a 64-byte signature of a message is valid for a 32-byte key."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = decode(public), decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    # A key of small order would verify signatures of any message.
    if key is None or commitment is None or s >= ORDER or is_equal(multiply(8, key), IDENTITY):
        return False
    hashed = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(hashed, "little") % ORDER
    return is_equal(multiply(s, BASE), add(commitment, multiply(challenge, key)))
