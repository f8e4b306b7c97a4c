"""Policies: their text, and grants compiled to policies (docs/policy.md; docs/audit-format.md, Which policies bind a call)."""

from __future__ import annotations

import re
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import fields
from canonical import SAFE
from fields import Malformed, members
from networks import FIAT, asset_of

Every = Union[str, int]
ANY_PAYEE = "0x" + "ff" * 20

_UNITS = re.compile("([0-9]{1,16})u")
_DOLLARS = re.compile(r"\$([0-9]{1,16})(?:\.([0-9]{1,6}))?")
_PARAM = re.compile("[A-Za-z0-9_.-]{1,64}")
_TOKEN = re.compile("eip155:[1-9][0-9]{0,15}/erc20:0x[0-9a-f]{40}")

OPERATORS = ("eq", "ne", "in", "lt", "lte", "gt", "gte", "startsWith", "endsWith", "hostIn")


class Condition(NamedTuple):
    """A condition on a parameter. Without `param` it only names tools, and always holds for them."""

    tools: Optional[List[str]]
    param: Optional[str]
    op: Optional[str]
    value: Union[None, str, List[str]]


class Window(NamedTuple):
    every: Every
    limit: int
    asset: Optional[str]


class Policy(NamedTuple):
    """Limits of one author. None: no limit of this kind; an empty list allows nothing. Amounts in atomic units."""

    tools: Optional[List[str]] = None
    payees: Optional[List[str]] = None
    assets: Optional[List[str]] = None
    per_call: Optional[int] = None
    approve_above: Optional[int] = None
    windows: Tuple[Window, ...] = ()
    lifetime: Optional[int] = None
    exposure: Optional[int] = None
    rate: Optional[Tuple[int, int]] = None
    repeat: Optional[Tuple[int, int]] = None
    max_validity: Optional[int] = None
    binding: Optional[str] = None
    valid_from: Optional[int] = None
    valid_until: Optional[int] = None
    deny: Tuple[Condition, ...] = ()
    require: Tuple[Condition, ...] = ()


def money(value: Any) -> int:
    """`"$0.02"` or `"20000u"`, in atomic units."""
    if not isinstance(value, str):
        raise Malformed()
    units, dollars = _UNITS.fullmatch(value), _DOLLARS.fullmatch(value)
    if units is not None:
        amount = int(units[1])
    elif dollars is not None:
        amount = int(dollars[1]) * 1_000_000 + int((dollars[2] or "").ljust(6, "0"))
    else:
        raise Malformed()
    if amount > SAFE:
        raise Malformed()
    return amount


def _asset(value: Any) -> str:
    if value not in FIAT.values() and (not isinstance(value, str) or _TOKEN.fullmatch(value) is None):
        raise Malformed()
    return str(value)


def _every(value: Any) -> Every:
    if value in ("hour", "day", "month"):
        return str(value)
    return fields.positive(value)


def _param(value: Any) -> str:
    if not isinstance(value, str) or _PARAM.fullmatch(value) is None:
        raise Malformed()
    return value


def _compared(value: Any) -> Union[str, List[str]]:
    return fields.text(value) if isinstance(value, str) else fields.list_of(fields.text)(value)


_window = members({"every": _every, "limit": money, "asset?": _asset})
_condition = members(
    {"tools?": fields.tool_patterns, "param?": _param, "op?": fields.one_of(*OPERATORS), "value?": _compared}
)


def _version(value: Any) -> int:
    if type(value) is not int or value != 1:
        raise Malformed()
    return 1


_text = members(
    {
        "v?": _version,
        "tools?": fields.tool_patterns,
        "payees?": fields.payees,
        "assets?": fields.list_of(_asset),
        "perCall?": money,
        "approveAbove?": money,
        "windows?": fields.list_of(_window),
        "lifetime?": money,
        "exposure?": money,
        "rate?": members({"limit": fields.positive, "seconds": fields.positive}),
        "repeat?": members({"times": fields.positive, "seconds": fields.positive}),
        "softPercent?": fields.positive,
        "maxValidity?": fields.positive,
        "binding?": fields.one_of("none", "intent"),
        "validFrom?": fields.natural,
        "validUntil?": fields.natural,
        "deny?": fields.list_of(_condition),
        "require?": fields.list_of(_condition),
    }
)


def _conditions(listed: List[Dict[str, Any]], needs_param: bool) -> Tuple[Condition, ...]:
    for each in listed:
        there = [name for name in ("param", "op", "value") if name in each]
        if len(there) not in ((3,) if needs_param else (0, 3)) or (not there and "tools" not in each):
            raise Malformed()
    return tuple(Condition(c.get("tools"), c.get("param"), c.get("op"), c.get("value")) for c in listed)


def read_policy(text: Any) -> Policy:
    """Reads the document of a policy. Raises Malformed: an unknown member could be a limit that this program does not know."""
    read: Dict[str, Any] = _text(text)
    rate, repeat = read.get("rate"), read.get("repeat")
    return Policy(
        tools=read.get("tools"),
        payees=read.get("payees"),
        assets=read.get("assets"),
        per_call=read.get("perCall"),
        approve_above=read.get("approveAbove"),
        windows=tuple(Window(w["every"], w["limit"], w.get("asset")) for w in read.get("windows", [])),
        lifetime=read.get("lifetime"),
        exposure=read.get("exposure"),
        rate=None if rate is None else (rate["limit"], rate["seconds"]),
        repeat=None if repeat is None else (repeat["times"], repeat["seconds"]),
        max_validity=read.get("maxValidity"),
        binding=read.get("binding"),
        valid_from=read.get("validFrom"),
        valid_until=read.get("validUntil"),
        deny=_conditions(read.get("deny", []), needs_param=False),
        require=_conditions(read.get("require", []), needs_param=True),
    )


def compile_grant(grant: Dict[str, Any], chain_id: int) -> Policy:
    """The policy that calls under a grant must satisfy. `grant`: a delegation as forms.py reads it."""
    seconds = grant["windowSeconds"]
    window = (Window(seconds, min(grant["maxPerWindow"], SAFE), None),) if seconds else ()
    return Policy(
        tools=grant["tools"],
        payees=grant["payees"],
        assets=[] if grant["asset"] == fields.ZERO_ADDRESS else [asset_of(chain_id, grant["asset"])],
        per_call=min(grant["maxPerCall"], SAFE),
        lifetime=min(grant["maxTotal"], SAFE),
        windows=window,
        valid_from=grant["validAfter"],
        valid_until=grant["validUntil"],
    )


def matches_tool(patterns: List[str], tool: str) -> bool:
    """An id, `prefix.*` for every id that starts with `prefix.`, or `*`."""
    return any(p in ("*", tool) or (p.endswith(".*") and tool.startswith(p[:-1])) for p in patterns)
