"""The meter in the terms of a tool, and the charge that it makes of usage (docs/wire-format.md, 15: Texts)."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Container, Dict, Optional

import fields
from canonical import canonical_hash
from fields import Malformed, Reader, members

_UNIT = re.compile("[a-z][a-z0-9_]{0,63}")
_RATE = re.compile(r"\$(0|[1-9][0-9]{0,8})(?:\.([0-9]{1,12}))?(?: per ([1-9][0-9]{0,11}))?")
_VALUE = re.compile("[\x21-\x7e]{1,128}")

_pointer_form = fields.matching(r"(?:/(?:[ !#-.0-\[\]-}]|~[01])*)*")
_ending = fields.matching("[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?")


def _pointer(value: Any) -> Any:
    if len(fields.text(value)) > 256:
        raise Malformed()
    return _pointer_form(value)


def _record(form: "re.Pattern[str]", most: int, item: Reader) -> Reader:
    def read(value: Any) -> Dict[str, Any]:
        if not isinstance(value, dict) or not 1 <= len(value) <= most:
            raise Malformed()
        # The verifier of the gateway is JavaScript, whose objects have a `constructor`.
        if any(form.fullmatch(name) is None or (form is _UNIT and name == "constructor") for name in value):
            raise Malformed()
        return dict(members({name: item for name in value})(value))

    return read


def _some(least: int, most: int, item: Reader) -> Reader:
    def read(value: Any) -> Any:
        items = fields.list_of(item)(value)
        if not least <= len(items) <= most:
            raise Malformed()
        return items

    return read


def _within(least: int, most: int) -> Reader:
    def read(value: Any) -> int:
        if not least <= fields.integer(value) <= most:
            raise Malformed()
        return int(value)

    return read


def _flag(*allowed: bool) -> Reader:
    def read(value: Any) -> bool:
        if not isinstance(value, bool) or value not in allowed:
            raise Malformed()
        return value

    return read


def _end(value: Any) -> Any:
    name = "data" if isinstance(value, dict) and "data" in value else "event"
    return members({name: _ending})(value)


_reported = members({"pointers": _some(1, 4, _pointer), "within?": fields.text})
_sources: Dict[str, Reader] = {
    "gateway": members({"from": fields.text}),
    "answer": members(
        {
            "from": fields.text, "answer?": _pointer, "events": _some(0, 4, _pointer), "units": _record(_UNIT, 16, _reported),
            "reports": fields.one_of("final", "cumulative"), "end?": _end,
        }
    ),
    "header": members({"from": fields.text, "units": _record(_UNIT, 16, fields.matching("[a-z0-9-]{1,64}"))}),
}  # fmt: skip


def _usage(value: Any) -> Any:
    source = value.get("from") if isinstance(value, dict) else None
    if not isinstance(source, str) or source not in _sources:
        raise Malformed(("from",))
    return _sources[source](value)


_rate_list = _record(_UNIT, 16, fields.matching(_RATE.pattern))


def _rates(value: Any) -> Any:
    return value if value == "not sold" else _rate_list(value)


meter = members(
    {
        "usage": _usage, "rates": _rates, "ratesBy?": members({"param": fields.text, "values": _record(_VALUE, 64, _rate_list)}),
        "missing?": fields.one_of("max", "none"), "min?": fields.matching("[1-9][0-9]{0,15}"),
        "readOn": members({"seconds": _within(0, 25), "bytes": _within(0, 100 * 1024 * 1024)}),
        "idleSeconds": _within(1, 300), "includeUsage?": _flag(True), "exact?": _flag(True, False),
    }
)  # fmt: skip


def rates_by_hash(terms: Dict[str, Any]) -> Dict[str, Dict[str, str]]:
    """The rate lists of a meter by the hash that entries name."""
    lists = [*terms.get("ratesBy", {}).get("values", {}).values()]
    if terms["rates"] != "not sold":
        lists.append(terms["rates"])
    return {canonical_hash(rates): rates for rates in lists}


def units_of(terms: Dict[str, Any]) -> Container[str]:
    """The names of the units that the source of a meter knows."""
    source = terms["usage"]
    return ("events", "bytes", "seconds") if source["from"] == "gateway" else source["units"]


def is_whole(terms: Dict[str, Any], rates: Dict[str, str], usage: Dict[str, int]) -> bool:
    """Whether usage has every unit that costs something. Parts need not be there."""
    source = terms["usage"]
    units = source["units"] if source["from"] == "answer" else {}
    wholes = [unit for unit in rates if "within" not in units.get(unit, {})]
    return all(unit in usage for unit in wholes or rates)


def charge(terms: Dict[str, Any], rates: Dict[str, str], basis: str, usage: Dict[str, int], maximum: int) -> Optional[int]:
    """The charge for usage on this basis, in atomic units; None if the terms allow no such basis."""
    source = terms["usage"]
    is_known = source["from"] == "gateway" or source.get("reports") == "cumulative"
    if basis == "metered":
        return min(max(_cost(source, rates, usage), int(terms.get("min", "0"))), maximum)
    if basis == "partial" and is_known:
        return min(_cost(source, rates, usage), maximum)
    if basis == "broken" and not is_known:
        return 0
    if basis == "missing" and "missing" in terms:
        return maximum if terms["missing"] == "max" else 0
    return None


def _cost(source: Dict[str, Any], rates: Dict[str, str], usage: Dict[str, int]) -> int:
    """Exact, and rounded up once. A part with a rate does not count in its whole."""
    units = source["units"] if source["from"] == "answer" else {}
    total = Fraction(0)
    for unit, text in rates.items():
        parts = sum(usage.get(part, 0) for part in rates if units.get(part, {}).get("within") == unit)
        found = _RATE.fullmatch(text)
        assert found is not None
        whole, fraction, per = found[1], found[2] or "", found[3] or "1"
        dollars = Fraction(int(whole + fraction), 10 ** len(fraction))
        total += max(0, usage.get(unit, 0) - parts) * dollars * 1_000_000 / int(per)
    return -(-total.numerator // total.denominator)
