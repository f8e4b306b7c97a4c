"""Signed notes (c2sp.org/signed-note) and checkpoints (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple, Optional

import ed25519
from merkle import decode_base64

MAX_NOTE = 65_536
MAX_SIGNATURES = 64
ED25519 = 0x01

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f-\x9f]{1,255}")
_LINE = re.compile(r"\u2014 (\S+) ([A-Za-z0-9+/]+={0,2})")
_DECIMAL = re.compile("0|[1-9][0-9]{0,15}")


class NoteKey(NamedTuple):
    name: str
    key_id: bytes
    public: bytes


class Checkpoint(NamedTuple):
    """What a log states about its tree."""

    origin: str
    size: int
    root: bytes


class BadNote(Exception):
    """A note that is malformed, or not signed by the key; `reason` is one snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([ED25519]) + public).digest()[:4]


def parse_key(text: str) -> Optional[NoteKey]:
    """Reads `<name>+<8 hex>+<base64(type and key)>`; None unless the id belongs to an Ed25519 key."""
    parts = text.split("+", 2)
    data = decode_base64(parts[2]) if len(parts) == 3 else None
    if data is None or len(data) != 33 or data[0] != ED25519 or _NAME.fullmatch(parts[0]) is None:
        return None
    found = NoteKey(parts[0], key_id(parts[0], data[1:]), data[1:])
    return found if found.key_id.hex() == parts[1] else None


def open_note(note: str, key: NoteKey) -> str:
    """The text of a note that the key signed. Signatures of other keys are ignored; a bad one of this key fails."""
    if len(note) > MAX_NOTE:
        raise BadNote("malformed_checkpoint")
    text, separator, tail = note.rpartition("\n\n")
    if separator == "" or not tail.endswith("\n"):
        raise BadNote("malformed_checkpoint")
    text += "\n"
    if any(c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\ufffd") for c in note):
        raise BadNote("malformed_checkpoint")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("malformed_checkpoint")
    signed = False
    for line in lines:
        found = _LINE.fullmatch(line)
        data = None if found is None else decode_base64(found[2])
        if found is None or data is None or len(data) <= 4:
            raise BadNote("malformed_checkpoint")
        if signed or found[1] != key.name or data[:4] != key.key_id:
            continue
        if not ed25519.verify(key.public, text.encode(), data[4:]):
            raise BadNote("wrong_signer")
        signed = True
    if not signed:
        raise BadNote("unsigned")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads the text of a checkpoint; further lines are allowed."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1]:
        raise BadNote("malformed_checkpoint")
    root = decode_base64(lines[2])
    if _NAME.fullmatch(lines[0]) is None or _DECIMAL.fullmatch(lines[1]) is None or root is None or len(root) != 32:
        raise BadNote("malformed_checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)
