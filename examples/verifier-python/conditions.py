"""Conditions of policies on parameters of a call (docs/policy.md, How do I restrict the content of a call?)."""

from __future__ import annotations

import re
from typing import Any, Iterable, List, Optional, Set, Tuple, Union

from policy import Condition, matches_tool

_DECIMAL = re.compile(r"(-?[0-9]{1,80})(?:\.([0-9]{1,32}))?")
_URL = re.compile(r"https?://(?!\.)([\w.-]*[\w-])(?::([0-9]*))?(?:\Z|/|[?#][^@\\]*\Z)", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")


class Unknown(Exception):
    """This program cannot decide a condition that the gateway could decide. `what` says why."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


def compared(conditions: Iterable[Condition], tool: str) -> Set[str]:
    """The names of the parameters that conditions compare for a tool."""
    applies = [each for each in conditions if each.tools is None or matches_tool(each.tools, tool)]
    return {each.param for each in applies if each.param is not None}


def first_denying(conditions: Tuple[Condition, ...], is_required: bool, tool: str, params: Any) -> Optional[Condition]:
    """The first condition that denies a call: one of `deny` that holds or may hold, or one of `require` that does not hold or may not."""
    for condition in conditions:
        if condition.tools is None or matches_tool(condition.tools, tool):
            if holds(condition, params) is not is_required:
                return condition
    return None


def holds(condition: Condition, params: Any) -> Optional[bool]:
    """Whether a condition holds; None if that is unknown, which denies."""
    if condition.param is None or condition.op is None or condition.value is None:
        return True
    given = params.get(condition.param) if isinstance(params, dict) else None
    if not isinstance(given, dict) or given.get("found") is not True or not isinstance(given.get("value"), str):
        return None
    return compare(condition.op, given["value"], condition.value)


def compare(op: str, actual: str, value: Union[str, List[str]]) -> Optional[bool]:
    if isinstance(value, list):
        if op == "in":
            return actual in value
        host = host_of(actual) if op == "hostIn" else None
        return None if host is None else any(host == each or (each.startswith(".") and host.endswith(each)) for each in value)
    if op == "eq":
        return actual == value
    if op == "ne":
        return actual != value
    if op == "startsWith":
        return actual.startswith(value)
    if op == "endsWith":
        return actual.endswith(value)
    left, right = scaled(actual), scaled(value)
    if op not in ("lt", "lte", "gt", "gte") or left is None or right is None:
        return None
    return {"lt": left < right, "lte": left <= right, "gt": left > right, "gte": left >= right}[op]


def scaled(text: str) -> Optional[int]:
    """A decimal as an integer of 10^-32. No floats: 0.1 and 2^53+1 must compare exactly."""
    found = _DECIMAL.fullmatch(text)
    return None if found is None else int(found[1] + (found[2] or "").ljust(32, "0"))


def host_of(text: str) -> Optional[str]:
    """The host of a URL that every parser reads alike, in lower case; None for other text. Raises Unknown for numbers and Punycode."""
    found = _URL.match(text)
    if found is None:
        return None
    host, port = found[1].lower(), found[2]
    if port and int(port) > 65_535:
        return None
    labels = host.split(".")
    # The WHATWG parser reads a number in the last label as an IPv4 address, and checks the Punycode of a label.
    if _NUMBER.fullmatch(labels[-1]) or any(label.startswith("xn--") for label in labels):
        raise Unknown(f"the host {host} needs a WHATWG URL parser")
    return host
