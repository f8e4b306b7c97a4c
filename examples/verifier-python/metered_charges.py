"""The part of the check `prices` about charges: each metered charge again, from its usage (docs/audit-format.md, The checks: prices)."""

from __future__ import annotations

from typing import Any, Callable, Dict, NamedTuple, Optional, Tuple

import meter as metering
from entry import Seen, member, text_in
from fields import Malformed, natural
from tally import Tally

Terms = Optional[Dict[str, Any]]
Fault = Tuple[str, Optional[str]]
"""Reason and field. `wrong_charge` has no field: arithmetic cannot tell which member is wrong."""

BASES = ("metered", "partial", "missing", "broken")


class _Accepted(NamedTuple):
    """What the acceptance of a call decides about its charge. `params`: the parameters that conditions compared."""

    terms: Optional[str]
    price: int
    params: Any


class MeteredCharges:
    """`terms_of` raises KeyError for terms that are not in the files; then `skip` counts the charge as not checked."""

    def __init__(self, tally: Tally, terms_of: Callable[[str], Terms], skip: Callable[[str], None]) -> None:
        self._tally, self._terms_of, self._skip = tally, terms_of, skip
        self._account: Optional[str] = None
        self._running: Dict[str, _Accepted] = {}
        self._lists: Dict[str, Dict[str, Dict[str, str]]] = {}

    def see(self, seen: Seen) -> None:
        entry = seen.entry
        if entry["account"] != self._account:
            self._account, self._running = entry["account"], {}
        if "call" not in entry:
            return
        if entry["type"] == "call.accepted":
            price = int(entry.get("amounts", {}).get("price", "0"))
            self._running[entry["call"]] = _Accepted(text_in(entry, "evidence", "terms"), price, member(entry, "evidence", "params"))
        elif entry["type"] in ("call.finished", "call.abandoned"):
            accepted = self._running.pop(entry["call"], None)
            if entry["type"] == "call.finished":
                self._judge(seen, accepted)

    def _judge(self, seen: Seen, accepted: Optional[_Accepted]) -> None:
        stated = _stated_member(seen.entry)
        if accepted is None:
            if stated is not None:
                self._tally.skip("the acceptance of a metered call is not in the files")
            return
        try:
            terms = {} if accepted.terms is None else self._terms_of(accepted.terms)
        except KeyError:
            if stated is not None and accepted.terms is not None:
                self._skip(accepted.terms)
            return
        if terms is None:
            # The acceptance is broken already.
            return
        if "meter" not in terms:
            if stated is not None:
                self._tally.break_at(seen, "unmetered", f"outcome.{stated}")
            return
        hashed = accepted.terms or ""
        if hashed not in self._lists:
            self._lists[hashed] = metering.rates_by_hash(terms["meter"])
        fault = _charge_fault(seen.entry, accepted, terms["meter"], self._lists[hashed])
        if fault is None:
            self._tally.prove()
        else:
            self._tally.break_at(seen, *fault)


def _stated_member(entry: Dict[str, Any]) -> Optional[str]:
    """The first member about usage in the outcome, in any form."""
    return next((name for name in ("basis", "usage", "rates") if name in entry.get("outcome", {})), None)


def _charge_fault(entry: Dict[str, Any], accepted: _Accepted, meter: Dict[str, Any], lists: Dict[str, Dict[str, str]]) -> Optional[Fault]:
    outcome = entry.get("outcome", {})
    is_success = outcome.get("success") is True
    if _stated_member(entry) is None:
        # The check `payments` proves that a tool that failed before its usage was read costs nothing.
        return ("missing", "outcome.basis") if is_success else None
    basis, usage = outcome.get("basis"), outcome.get("usage")
    if basis not in BASES or is_success == (basis == "broken"):
        return "wrong_basis", "outcome.basis"
    rates = lists.get(text_in(outcome, "rates") or "")
    if rates is None or not _may_choose(meter, rates, accepted.params):
        return "wrong_rates", "outcome.rates"
    if not _is_usage(usage, meter):
        return "wrong_usage", "outcome.usage"
    charge = metering.charge(meter, rates, basis, usage, accepted.price)
    is_whole = metering.is_whole(meter, rates, usage)
    if charge is None or not _may_decide(basis, is_whole, outcome.get("reason")):
        return "wrong_basis", "outcome.basis"
    # Money that moved before the tool failed stays charged until an operator decides. The check `payments` covers it.
    if basis == "broken" and member(entry, "payment", "kept") is True:
        return None
    return None if member(entry, "amounts", "charged") == str(charge) else ("wrong_charge", None)


def _may_decide(basis: str, is_whole: bool, reason: Any) -> bool:
    """Whether a basis agrees with the usage beside it, and with how the answer ended: `missing` could charge the maximum for any usage."""
    if basis in ("partial", "broken"):
        return True
    return (basis == "metered") == is_whole and reason not in ("truncated", "timeout")


def _is_usage(value: Any, meter: Dict[str, Any]) -> bool:
    units = metering.units_of(meter)
    try:
        return isinstance(value, dict) and all(unit in units and natural(count) >= 0 for unit, count in value.items())
    except Malformed:
        return False


def _may_choose(meter: Dict[str, Any], stated: Dict[str, str], params: Any) -> bool:
    """Whether the parameter in the entry chooses these rates. An entry without it allows every list of the meter."""
    by = meter.get("ratesBy")
    if by is None or not isinstance(params, dict) or by["param"] not in params:
        return True
    value = text_in(params, by["param"], "value")
    # "not sold" is no list.
    return value is not None and by["values"].get(value, meter["rates"]) == stated
