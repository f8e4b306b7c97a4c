"""Signed notes (c2sp.org/signed-note) and checkpoints (c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime, timezone
from typing import List, NamedTuple, Optional, Set, Tuple

import ed25519
from canonical import utf16_length
from merkle import decode_base64

MAX_NOTE = 65_536
MAX_SIGNATURES = 64
ED25519 = 0x01
MAX_KEYS = 64

# Matches ECMAScript's `\s`, which includes U+FEFF; Python's does not.
_NAME = re.compile(r"[^\s\ufeff+\x00-\x1f\x7f-\x9f]{1,255}")
_LINE = re.compile(r"\u2014 ([^ ]+) ([A-Za-z0-9+/]+={0,2})")
_TIME = re.compile(r"[1-9]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_DECIMAL = re.compile("0|[1-9][0-9]{0,15}")


class NoteKey(NamedTuple):
    name: str
    key_id: bytes
    public: bytes


class ListedKey(NamedTuple):
    """A key of a log. `until`: when the log signed its first checkpoint without this key, or None while the key signs."""

    key: NoteKey
    until: Optional[int]


class Checkpoint(NamedTuple):
    """What a log states about its tree."""

    origin: str
    size: int
    root: bytes


class BadNote(Exception):
    """A note that is malformed, or not signed by a key that is known; `reason` is one snake_case word."""

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


def parse_keys(text: str) -> Optional[List[ListedKey]]:
    """Reads a list of keys, one a line, each perhaps followed by the times between which it signed; None for any other text."""
    lines = [[word for word in _without_return(line).split(" ") if word != ""] for line in text.split("\n")]
    found = []
    for first, *words in [line for line in lines if line]:
        key, times = parse_key(first), [_time(word) for word in words]
        if key is None or len(times) > 2 or None in times:
            return None
        found.append(ListedKey(key, times[1] if len(times) == 2 else None))
    return found if 0 < len(found) <= MAX_KEYS else None


def _without_return(line: str) -> str:
    return line[:-1] if line.endswith("\r") else line


def _time(text: str) -> Optional[int]:
    try:
        read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") if _TIME.fullmatch(text) else None
    except ValueError:
        return None
    return None if read is None else int(read.replace(tzinfo=timezone.utc).timestamp())


def end_of_signing(listed: List[ListedKey], signers: Set[NoteKey]) -> Optional[int]:
    """When the last of some keys stopped signing, or None if one of them still signs. A key that signed again has a line for each time."""
    ends = [each.until for each in listed if each.key in signers]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


Signature = Tuple[str, bytes]
"""The name of a line, and its bytes: the id of the key, then the signature."""


def read_note(note: str) -> Tuple[str, List[Signature]]:
    """The text of a note and its signature lines, without verifying them."""
    if utf16_length(note) > MAX_NOTE:
        raise BadNote("malformed_checkpoint")
    text, separator, tail = note.rpartition("\n\n")
    if separator == "" or not tail.endswith("\n"):
        raise BadNote("malformed_checkpoint")
    if any(c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\ufffd") for c in note):
        raise BadNote("malformed_checkpoint")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise BadNote("malformed_checkpoint")
    return text + "\n", [_signature(line) for line in lines]


def _signature(line: str) -> Signature:
    found = _LINE.fullmatch(line)
    data = None if found is None else decode_base64(found[2])
    if found is None or _NAME.fullmatch(found[1]) is None or data is None or len(data) <= 4:
        raise BadNote("malformed_checkpoint")
    return found[1], data


def open_note(note: str, keys: List[NoteKey]) -> Tuple[str, Set[NoteKey]]:
    """The text of a note, and which of the keys signed it. Ignores signatures of other keys. Raises BadNote for a bad one of these keys."""
    text, signatures = read_note(note)
    signers: Set[NoteKey] = set()
    for name, data in signatures:
        key = next((each for each in keys if each.name == name and each.key_id == data[:4]), None)
        if key is None or key in signers:
            continue
        if not ed25519.verify(key.public, text.encode(), data[4:]):
            raise BadNote("wrong_signer")
        signers.add(key)
    if not signers:
        # The log signed the note, but the reader lacks the log's key.
        raise BadNote("unknown_key" if text.split("\n")[0] in [name for name, _ in signatures] else "unsigned")
    return text, signers


def parse_checkpoint(text: str) -> Checkpoint:
    """Reads the text of a checkpoint; further lines are allowed."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] != "" or "" in lines[:-1]:
        raise BadNote("malformed_checkpoint")
    root = decode_base64(lines[2])
    if _NAME.fullmatch(lines[0]) is None or _DECIMAL.fullmatch(lines[1]) is None or root is None or len(root) != 32:
        raise BadNote("malformed_checkpoint")
    return Checkpoint(lines[0], int(lines[1]), root)
