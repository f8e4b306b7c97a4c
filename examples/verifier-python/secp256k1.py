"""Recovers the signer of an Ethereum signature, by the strict rules of docs/wire-format.md §4.

All inputs are public, so the arithmetic need not take constant time. Points are in Jacobian coordinates (X, Y, Z), for x = X/Z² and
y = Y/Z³; Z = 0 is the point at infinity.
"""

from __future__ import annotations

from functools import lru_cache
from typing import List, Optional, Tuple

from keccak import keccak256

FIELD = 2**256 - 2**32 - 977
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
BASE = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
WRAPPERS = ("6492" * 16, "8010" * 16)
MAX_SIGNATURE_TEXT = 8192

Affine = Tuple[int, int]
Jacobian = Tuple[int, int, int]
INFINITY: Jacobian = (0, 1, 0)


class BadSignature(Exception):
    """A signature that breaks a rule; `reason` is one snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def double(point: Jacobian) -> Jacobian:
    x, y, z = point
    square = y * y % FIELD
    s = 4 * x * square % FIELD
    m = 3 * x * x
    out = (m * m - 2 * s) % FIELD
    return out, (m * (s - out) - 8 * square * square) % FIELD, 2 * y * z % FIELD


def add_affine(left: Jacobian, right: Affine) -> Jacobian:
    """Sum of a Jacobian and an affine point, complete: a signer can choose values that make both points equal or opposite."""
    x, y, z = left
    if z == 0:
        return right[0], right[1], 1
    zz = z * z % FIELD
    h = (right[0] * zz - x) % FIELD
    r = (right[1] * zz * z - y) % FIELD
    if h == 0:
        return double(left) if r == 0 else INFINITY
    hh = h * h % FIELD
    hhh = h * hh % FIELD
    v = x * hh % FIELD
    out = (r * r - hhh - 2 * v) % FIELD
    return out, (r * (v - out) - y * hhh) % FIELD, z * h % FIELD


def affine(points: List[Jacobian]) -> List[Affine]:
    """Affine forms of points, none at infinity, with one inversion for all of them (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % FIELD)
    inverse = pow(products[-1], -1, FIELD)
    found: List[Affine] = []
    for at in range(len(points) - 1, -1, -1):
        x, y, z = points[at]
        one = inverse * products[at] % FIELD
        inverse = inverse * z % FIELD
        found.append((x * one * one % FIELD, y * one * one * one % FIELD))
    return found[::-1]


@lru_cache(maxsize=1)
def base_table() -> List[List[Affine]]:
    """`table[i][d - 1]` = d · 256^i · BASE: a multiple of BASE needs 32 additions and no doubling."""
    points: List[Jacobian] = []
    start = BASE
    for _ in range(32):
        row: List[Jacobian] = [(start[0], start[1], 1)]
        for _ in range(255):
            row.append(add_affine(row[-1], start))
        points += row[:255]
        start = affine(row[255:])[0]
    flat = affine(points)
    return [flat[255 * at : 255 * at + 255] for at in range(32)]


def add_base_multiple(total: Jacobian, scalar: int) -> Jacobian:
    for row, digit in zip(base_table(), scalar.to_bytes(32, "little")):
        if digit:
            total = add_affine(total, row[digit - 1])
    return total


def multiply(scalar: int, point: Affine) -> Jacobian:
    """A multiple of a point, by signed digits of five bits (width-5 NAF)."""
    twice = affine([double((point[0], point[1], 1))])[0]
    odd: List[Jacobian] = [(point[0], point[1], 1)]
    for _ in range(7):
        odd.append(add_affine(odd[-1], twice))
    table = affine(odd)
    digits: List[int] = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & 31
            digit = digit - 32 if digit > 15 else digit
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    total = INFINITY
    for digit in reversed(digits):
        total = double(total)
        if digit > 0:
            total = add_affine(total, table[digit >> 1])
        elif digit < 0:
            x, y = table[-digit >> 1]
            total = add_affine(total, (x, FIELD - y))
    return total


def recover_key(digest: bytes, r: int, s: int, odd: int) -> Optional[Affine]:
    """The public key that signed a digest, or None if there is none (SEC 1 §4.1.6). `r` and `s` are in range."""
    square = (pow(r, 3, FIELD) + 7) % FIELD
    y = pow(square, (FIELD + 1) // 4, FIELD)
    if y * y % FIELD != square:
        return None
    if y & 1 != odd:
        y = FIELD - y
    inverse = pow(r, -1, ORDER)
    message = int.from_bytes(digest, "big")
    point = add_base_multiple(multiply(s * inverse % ORDER, (r, y)), -message * inverse % ORDER)
    return None if point[2] == 0 else affine([point])[0]


def read_strict(signature: str) -> Tuple[int, int, int]:
    """r, s and the parity of a signature's text. Raises BadSignature unless it is 65 bytes with v 27 or 28 and low s."""
    if len(signature) > MAX_SIGNATURE_TEXT:
        raise BadSignature("signature_too_large")
    digits = signature[2:].lower()
    if signature[:2] != "0x" or len(digits) % 2 == 1 or not set(digits) <= set("0123456789abcdef"):
        raise BadSignature("malformed_signature")
    if digits.endswith(WRAPPERS):
        raise BadSignature("counterfactual_signature")
    if len(digits) != 130:
        raise BadSignature("signature_length")
    r, s, v = int(digits[:64], 16), int(digits[64:128], 16), int(digits[128:], 16)
    if v not in (27, 28):
        raise BadSignature("recovery_byte")
    if not 1 <= r < ORDER:
        raise BadSignature("r_out_of_range")
    if not 1 <= s < ORDER:
        raise BadSignature("s_out_of_range")
    if s > ORDER // 2:
        raise BadSignature("high_s")
    return r, s, v - 27


def recover(digest: bytes, signature: str) -> str:
    """The address whose key signed a 32-byte digest. Raises BadSignature for every signature that a gateway rejects."""
    key = recover_key(digest, *read_strict(signature))
    if key is None:
        raise BadSignature("unrecoverable")
    return "0x" + keccak256(key[0].to_bytes(32, "big") + key[1].to_bytes(32, "big"))[12:].hex()
