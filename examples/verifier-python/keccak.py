"""Keccak-256 of Ethereum. Its padding byte 0x01 differs from SHA3-256, so hashlib's sha3_256 gives other hashes."""

from __future__ import annotations

import struct

RATE = 136
MASK = (1 << 64) - 1

# Rotation of each lane, by its index x + 5y, and the index that the lane moves to (steps rho and pi).
ROTATIONS = [0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14]
MOVES = [5 * ((2 * x + 3 * y) % 5) + y for y in range(5) for x in range(5)]

ROUND_CONSTANTS = [
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
]  # fmt: skip


def _write_round() -> str:
    """Python source of the permutation with one local variable a lane: three times as fast as loops over lists."""
    lines = ["def permute(lanes):", f"  {', '.join(f'a{i}' for i in range(25))} = lanes", "  for constant in CONSTANTS:"]
    for x in range(5):
        lines.append(f"    c{x} = {' ^ '.join(f'a{x + 5 * y}' for y in range(5))}")
    for x in range(5):
        after = f"c{(x + 1) % 5}"
        lines.append(f"    d{x} = c{(x + 4) % 5} ^ (({after} << 1 | {after} >> 63) & MASK)")
    for lane in range(25):
        turn = ROTATIONS[lane]
        lines.append(f"    t = a{lane} ^ d{lane % 5}")
        lines.append(f"    b{MOVES[lane]} = {f'(t << {turn} | t >> {64 - turn}) & MASK' if turn else 't'}")
    for y in range(0, 25, 5):
        for x in range(5):
            # ~b & c == (b | c) ^ b: avoids a negative number.
            b, c = f"b{y + (x + 1) % 5}", f"b{y + (x + 2) % 5}"
            lines.append(f"    a{y + x} = b{y + x} ^ ({b} | {c}) ^ {b}")
    lines.append("    a0 ^= constant")
    lines.append(f"  return [{', '.join(f'a{i}' for i in range(25))}]")
    return "\n".join(lines)


_names: dict = {"MASK": MASK, "CONSTANTS": ROUND_CONSTANTS}
exec(_write_round(), _names)  # The source depends on the constants above alone.
permute = _names["permute"]


def keccak256(data: bytes) -> bytes:
    """The 32-byte hash of bytes."""
    padded = bytearray(data) + bytes(RATE - len(data) % RATE)
    padded[len(data)] ^= 0x01
    padded[-1] ^= 0x80
    lanes = [0] * 25
    for start in range(0, len(padded), RATE):
        block = struct.unpack_from("<17Q", padded, start)
        for at in range(17):
            lanes[at] ^= block[at]
        lanes = permute(lanes)
    return struct.pack("<4Q", *lanes[:4])
