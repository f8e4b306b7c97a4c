"""Canonical JSON (RFC 8785) of the values that entries may contain: no value has two texts (docs/audit-format.md, Canonical form)."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Tuple

SAFE = 2**53 - 1


class NotJson(Exception):
    """Bytes that are no JSON; `reason` is one snake_case word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


NEGATIVE_ZERO = float("nan")
"""Represents negative zero, which has no canonical text of its own: `canonical_text` rejects NaN."""


def _integer(digits: str) -> Any:
    # Converting a megabyte of digits to an int takes minutes (CWE-400). As a float it is refused where an integer must be.
    value = int(digits) if len(digits) <= 17 and digits != "-0" else None
    return _fraction(digits) if value is None or abs(value) > SAFE else value


def _fraction(digits: str) -> Any:
    # Read 1.0 and 1e3 as integers, as other parsers do. Their text is not the canonical one, so `is_canonical` rejects them.
    value = float(digits)
    if value == 0 and digits.startswith("-"):
        return NEGATIVE_ZERO
    return int(value) if value.is_integer() and abs(value) <= SAFE else value


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value, key=_utf16)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def canonical_text(value: Any) -> str:
    """The one text of a value. Numbers must be integers: RFC 8785 writes other numbers as ECMAScript does, and Python does not."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    # Python sorts keys by code points and RFC 8785 by UTF-16 units: they differ only beyond U+FFFF.
    if max(text, default="") > "\uffff":
        text = json.dumps(_sorted(value), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text


def parse_json(data: bytes) -> Any:
    """Reads JSON. Raises NotJson. Of duplicate keys the last one counts: `is_canonical` refuses them."""
    try:
        return json.loads(data.decode("utf-8"), parse_int=_integer, parse_float=_fraction, parse_constant=_constant)
    except UnicodeDecodeError as fault:
        raise NotJson("not_utf8") from fault
    except ValueError as fault:
        raise NotJson("not_json") from fault
    except RecursionError as fault:
        raise NotJson("malformed") from fault


def _unique(pairs: List[Tuple[str, Any]]) -> Dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def parse_strict_json(data: bytes) -> Any:
    """Reads JSON that has no canonical form of its own. Raises NotJson, also for what parsers read differently: see `_is_strict`."""
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_constant, parse_int=_integer, parse_float=_fraction
        )
    except (ValueError, RecursionError) as fault:
        raise NotJson("not_json") from fault
    if not _is_strict(value, MAX_DEPTH):
        raise NotJson("not_json")
    return value


MAX_DEPTH = 16


def _is_strict(value: Any, levels: int) -> bool:
    """Whether a value has at most 16 levels, no lone surrogate, and no key `__proto__`, which is no member in JavaScript."""
    if isinstance(value, str):
        return is_well_formed(value)
    if isinstance(value, dict):
        return levels > 0 and all(
            key != "__proto__" and is_well_formed(key) and _is_strict(item, levels - 1) for key, item in value.items()
        )
    return not isinstance(value, list) or (levels > 0 and all(_is_strict(item, levels - 1) for item in value))


def is_canonical(value: Any, data: bytes) -> bool:
    """Whether bytes are the one text of their value: no space, duplicate key, other order, escape or number form."""
    try:
        return canonical_text(value).encode("utf-8") == data
    except (UnicodeEncodeError, ValueError, RecursionError):
        return False


def is_well_formed(text: str) -> bool:
    """Whether a text has no lone surrogate. A lone surrogate has no UTF-8 form, so two different strings would share one hash."""
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def utf16_length(text: str) -> int:
    """Counts UTF-16 code units: limits on characters are limits on these."""
    return len(text) + sum(each > "\uffff" for each in text)


def sha256_hex(data: bytes) -> str:
    return "0x" + hashlib.sha256(data).hexdigest()


def canonical_hash(value: Any) -> str:
    """SHA-256 over the canonical text: how entries name policies, tools and lists of policies."""
    return sha256_hex(canonical_text(value).encode("utf-8"))
