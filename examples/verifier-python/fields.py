"""Readers of members. Each returns the value in its normal form, or raises Malformed with the path of the member."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Tuple

from canonical import NEGATIVE_ZERO, SAFE, is_well_formed
from keccak import keccak256

Reader = Callable[[Any], Any]
ZERO_ADDRESS = "0x" + "00" * 20
ZERO_HASH = "0x" + "00" * 32

# `fullmatch` everywhere: `$` of Python also matches before a line feed at the end (CWE-625).
_BYTES32 = re.compile("0x[0-9a-fA-F]{64}")
_ADDRESS = re.compile("0x[0-9a-fA-F]{40}")
_PRINTABLE = re.compile("[\x20-\x7e]*")
_SIGNATURE = re.compile("0x(?:[0-9a-fA-F]{2})*")
_ACCOUNT = re.compile("eip155:([1-9][0-9]{0,15}):(0x[0-9a-f]{40})")


class Malformed(Exception):
    """A member whose value has a wrong form. `path` names it; `missing`: it is absent."""

    def __init__(self, path: Tuple[str, ...] = (), missing: bool = False) -> None:
        super().__init__(".".join(path))
        self.path = path
        self.missing = missing


def matching(form: str) -> Reader:
    """Text of a form."""
    pattern = re.compile(form)

    def read(value: Any) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise Malformed()
        return value

    return read


lower_hash = matching("0x[0-9a-f]{64}")
salt = matching("0x[0-9a-f]{32}")
decimal = matching("0|[1-9][0-9]{0,77}")


def text(value: Any) -> str:
    if not isinstance(value, str) or not is_well_formed(value):
        raise Malformed()
    return value


def integer(value: Any) -> int:
    if value is NEGATIVE_ZERO:
        return 0
    # A bool is an int in Python and no number in JSON.
    if type(value) is not int or abs(value) > SAFE:
        raise Malformed()
    return value


def natural(value: Any) -> int:
    if integer(value) < 0:
        raise Malformed()
    return int(value)


def positive(value: Any) -> int:
    if natural(value) == 0:
        raise Malformed()
    return int(value)


def bytes32(value: Any) -> str:
    if not isinstance(value, str) or _BYTES32.fullmatch(value) is None:
        raise Malformed()
    return value.lower()


def address(value: Any) -> str:
    """All lower, all upper, or mixed with a right EIP-55 checksum."""
    if not isinstance(value, str) or _ADDRESS.fullmatch(value) is None:
        raise Malformed()
    digits = value[2:]
    if digits not in (digits.lower(), digits.upper()):
        hashed = keccak256(digits.lower().encode()).hex()
        if any(c.isalpha() and c.isupper() != (hashed[at] > "7") for at, c in enumerate(digits)):
            raise Malformed()
    return value.lower()


def party(value: Any) -> str:
    read = address(value)
    if read == ZERO_ADDRESS:
        raise Malformed()
    return read


def unsigned(limit: int) -> Reader:
    """A decimal string below a limit, read as a number."""

    def read(value: Any) -> int:
        number = int(decimal(value))
        if number >= limit:
            raise Malformed()
        return number

    return read


uint256, uint64, stored = unsigned(2**256), unsigned(2**64), unsigned(SAFE + 1)


def printable(longest: int) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or _PRINTABLE.fullmatch(value) is None:
            raise Malformed()
        return value

    return read


def signature(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 8192 or _SIGNATURE.fullmatch(value) is None:
        raise Malformed()
    return value.lower()


def one_of(*allowed: str) -> Reader:
    def read(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise Malformed()
        return value

    return read


def unique_list(item: Reader) -> Reader:
    """At most 64 items, none twice: with duplicates, two grants with the same meaning would have different hashes."""

    def read(value: Any) -> List[Any]:
        items = list_of(item)(value)
        if len(items) > 64 or len(set(items)) != len(items):
            raise Malformed()
        return items

    return read


def list_of(item: Reader) -> Reader:
    def read(value: Any) -> List[Any]:
        if not isinstance(value, list):
            raise Malformed()
        return [_inside(str(at), item, each) for at, each in enumerate(value)]

    return read


tool_patterns = unique_list(matching(r"\*|[a-z0-9][a-z0-9._-]{0,63}|[a-z0-9][a-z0-9._-]{0,61}\.\*"))
payees = unique_list(address)


def account(value: Any) -> str:
    """A CAIP-10 id in its one form."""
    split_account(value)
    return str(value)


def split_account(value: Any) -> Tuple[int, str]:
    """Chain id and address of an account."""
    found = _ACCOUNT.fullmatch(value) if isinstance(value, str) else None
    if found is None or int(found[1]) > SAFE:
        raise Malformed()
    return int(found[1]), found[2]


def _inside(name: str, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except Malformed as fault:
        raise Malformed((name, *fault.path), fault.missing) from None


def members(shape: Dict[str, Reader], strict: bool = True) -> Reader:
    """An object. A name that ends in `?` may be left out. The fault names the first wrong member in the order of the shape."""
    rules = [(name.rstrip("?"), reader, name.endswith("?")) for name, reader in shape.items()]
    known = {name for name, _, _ in rules}

    def read(value: Any) -> Dict[str, Any]:
        if not isinstance(value, dict):
            raise Malformed()
        found: Dict[str, Any] = {}
        for name, reader, is_optional in rules:
            if name in value:
                found[name] = _inside(name, reader, value[name])
            elif not is_optional:
                raise Malformed((name,), missing=True)
        unknown = [name for name in value if name not in known]
        if strict and unknown:
            raise Malformed(tuple(unknown))
        return found

    return read
