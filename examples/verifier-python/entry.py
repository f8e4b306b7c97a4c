"""One entry of an account's log: its form, its text and its hash (docs/audit-format.md, Entries)."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, NamedTuple, Optional

from canonical import SAFE, is_well_formed
from entry_types import NEEDS
from fields import (
    Malformed, account, decimal, lower_hash, members, natural, one_of, positive, salt, text,
)  # fmt: skip

MAX_LINE = 65_536
"""Bytes of an entry's text, at most."""

MAX_DEPTH = 8
PREFIX = b"countersign-entry/1\n"
GENESIS = "0x" + "00" * 32


class Place(NamedTuple):
    """A line of a file. Lines count from 1."""

    file: str
    line: int


class Seen(NamedTuple):
    """An entry with its hash and its place in the files."""

    entry: Dict[str, Any]
    hash: str
    place: Place


def _is_json(value: Any, depth: int) -> bool:
    """Whether a value has exactly one text: strings, safe integers, booleans, null, arrays and objects, at most `depth` levels."""
    if isinstance(value, dict):
        return depth > 0 and all(is_well_formed(key) and _is_json(item, depth - 1) for key, item in value.items())
    if isinstance(value, list):
        return depth > 0 and all(_is_json(item, depth - 1) for item in value)
    if isinstance(value, str):
        return is_well_formed(value)
    return value is None or (isinstance(value, int) and abs(value) <= SAFE)


def _json_object(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict) or not _is_json(value, MAX_DEPTH):
        raise Malformed()
    return value


def _amounts(value: Any) -> Dict[str, str]:
    if not isinstance(value, dict):
        raise Malformed()
    return members({name: decimal for name in value})(value)


def _one(value: Any) -> int:
    if type(value) is not int or value != 1:
        raise Malformed()
    return 1


_read = members(
    {
        "v": _one,
        "type": one_of(*NEEDS),
        "seq": positive,
        "account": account,
        "prev": lower_hash,
        "salt": salt,
        "at": natural,
        "call?": lower_hash,
        "tool?": text,
        "request?": lower_hash,
        "binding?": one_of("none", "intent"),
        "evidence?": _json_object,
        "decision?": text,
        "rule?": text,
        "count?": positive,
        "policy?": lower_hash,
        "amounts?": _amounts,
        "outcome?": _json_object,
        "payment?": _json_object,
    }
)


def read_entry(value: Any) -> Dict[str, Any]:
    """Reads an entry strictly: a member that no rule covers must not pass as proved. Raises Malformed."""
    return _read(value)  # type: ignore[no-any-return]


def entry_hash(line: bytes) -> str:
    """Hash of an entry's canonical line, without its line feed."""
    return "0x" + hashlib.sha256(PREFIX + line).hexdigest()


def member(value: Any, *path: str) -> Optional[Any]:
    """A member inside nested objects, or None."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def text_in(value: Any, *path: str) -> Optional[str]:
    """A text inside nested objects, or None. Use it for keys of a dict: lists and objects are not hashable."""
    found = member(value, *path)
    return found if isinstance(found, str) else None
