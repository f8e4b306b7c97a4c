"""The Merkle tree of RFC 6962 §2.1, its inclusion proofs, and the leaves of the transparency log (docs/audit-log.md)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import List, NamedTuple, Optional, Sequence

from fields import Malformed, split_account

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def anchor_of(first: str) -> bytes:
    """The key of an account in an index, from the text of its first leaf: unlike the hash of that leaf, this key is not public."""
    return hashlib.sha256(b"countersign-anchor/1\n" + first.encode()).digest()


def head_of(newest: str) -> bytes:
    return hashlib.sha256(b"countersign-head-of/1\n" + newest.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Computes a root from leaf hashes in order. It keeps one hash a level: the roots of complete subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._roots: List[bytes] = []

    def append(self, hashed: bytes) -> None:
        size = self.size
        while size & 1:
            hashed = node_hash(self._roots.pop(), hashed)
            size >>= 1
        self._roots.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        if not self._roots:
            return EMPTY_ROOT
        found = self._roots[-1]
        for left in reversed(self._roots[:-1]):
            found = node_hash(left, found)
        return found


def root_of(hashes: Sequence[bytes]) -> bytes:
    tree = Tree()
    for hashed in hashes:
        tree.append(hashed)
    return tree.root()


def is_included(hashed: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a leaf is in the tree with this size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size:
        return False
    node, last = index, size - 1
    for sibling in proof:
        if last == 0:
            return False
        if node & 1 or node == last:
            hashed = node_hash(sibling, hashed)
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            hashed = node_hash(hashed, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and hashed == root


class Leaf(NamedTuple):
    """One stored chunk of an account's chain."""

    account: str
    first: int
    prev: str
    last: int
    last_hash: str
    root: bytes


HEADS = "countersign-heads/1\n"


def parse_heads(text: str) -> Optional[bytes]:
    """The root of the index that a leaf has, or None for any other leaf."""
    root = decode_base64(text[len(HEADS) : -1]) if text.startswith(HEADS) and text.endswith("\n") else None
    return root if root is not None and len(root) == 32 else None


_LEAF = re.compile(
    "countersign-head/1\n(eip155:[0-9]+:0x[0-9a-f]{40})\n([1-9][0-9]{0,15}) (0x[0-9a-f]{64})\n"
    "([1-9][0-9]{0,15}) (0x[0-9a-f]{64})\nroot ([A-Za-z0-9+/]{43}=)\n"
)


def parse_leaf(text: str) -> Optional[Leaf]:
    """Reads the text of a leaf of a chunk. None for any other text, such as the first leaf of a later year's log."""
    found = _LEAF.fullmatch(text)
    if found is None or len(text) > 300:
        return None
    root = decode_base64(found[6])
    first, last = int(found[2]), int(found[4])
    try:
        split_account(found[1])
    except Malformed:
        return None
    if root is None or last < first or last > 2**53 - 1:
        return None
    return Leaf(found[1], first, found[3], last, found[5], root)


def decode_base64(text: str) -> Optional[bytes]:
    """Standard base64 with padding and without unused bits, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None
