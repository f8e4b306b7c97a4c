"""Evaluates a call against the policies that bind it (docs/audit-format.md, Evaluation). Only `rate` needs doubles."""

from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from conditions import first_denying
from networks import FIAT
from policy import ANY_PAYEE, Policy, matches_tool

MAX_REQUESTS = 64


class Counter(NamedTuple):
    """A limit on money and what it has counted. `key` names it in the account; `resets`: end of its period, which `lifetime` lacks."""

    rule: str
    name: str
    key: str
    limit: int
    spent: int
    held: int
    resets: Optional[int]
    window: Optional[int]


class Repeat(NamedTuple):
    request: str
    since: int
    count: int


class Source(NamedTuple):
    """A policy that binds a call. `arrival` and `repeats` are None where another account counts them."""

    kind: str
    account: str
    hash: str
    policy: Policy
    status: str
    counters: Tuple[Counter, ...]
    arrival: Optional[float]
    repeats: Optional[List[Repeat]]
    is_own: bool


class Subject(NamedTuple):
    """A call as policies see it. `params` is None if the entry has none."""

    tool: str
    pay_to: str
    asset: str
    price: int
    is_top_up: bool
    binding: str
    valid_before: int
    request: str
    params: Any


class Refusal(NamedTuple):
    rule: str
    source: Source
    limit: Optional[Dict[str, Any]] = None
    param: Optional[str] = None


def limit_state(source: Source, rule: str, limit: int, spent: int, held: int, **more: Optional[int]) -> Dict[str, Any]:
    """A limit as a denial names it."""
    prefix = f"{source.kind}:" if source.kind in ("owner", "grant") else ""
    state: Dict[str, Any] = {"rule": prefix + rule, **amounts(limit, spent, held)}
    state.update({name: value for name, value in more.items() if value is not None})
    if source.kind in ("owner", "grant"):
        state["account"] = source.account
    return state


def amounts(limit: int, spent: int, held: int) -> Dict[str, str]:
    remaining = max(0, limit - spent - held)
    return {"limit": str(limit), "spent": str(spent), "held": str(held), "remaining": str(remaining)}


class _Denied(NamedTuple):
    rule: str
    limit: Optional[Dict[str, Any]] = None
    param: Optional[str] = None


Denied = Optional[_Denied]


def _status(source: Source, _: Optional[Subject], at: int, group: int) -> Denied:
    policy = source.policy
    if group == 1 and source.status == "frozen":
        return _Denied("frozen")
    if group == 2 and source.status == "paused":
        return _Denied("paused")
    if group == 3:
        if source.status == "revoked":
            return _Denied("revoked")
        if policy.valid_until is not None and policy.valid_until <= at:
            return _Denied("expired")
        if policy.valid_from is not None and policy.valid_from > at:
            return _Denied("not_yet")
    return None


def _terms(source: Source, call: Subject, at: int) -> Denied:
    policy = source.policy
    if policy.tools is not None and not matches_tool(policy.tools, call.tool):
        return _Denied("tool")
    if call.price and policy.payees is not None and call.pay_to not in policy.payees and ANY_PAYEE not in policy.payees:
        return _Denied("payee")
    if call.price and policy.assets is not None and call.asset not in policy.assets:
        return _Denied("asset")
    required = first_denying(policy.require, True, call.tool, call.params)
    if required is not None:
        return _Denied("require", None, required.param)
    if policy.binding == "intent" and call.binding != "intent":
        return _Denied("binding")
    if policy.max_validity is not None and call.valid_before - at > policy.max_validity:
        return _Denied("validity")
    return None


def _per_call(source: Source, call: Subject) -> Denied:
    cap = source.policy.per_call
    if cap is None or call.price <= cap or (source.kind == "default" and call.asset in FIAT.values()):
        return None
    return _Denied("per_call", limit_state(source, "per_call", cap, 0, 0))


def _spend(source: Source, call: Subject) -> Denied:
    for each in source.counters if call.price else ():
        if each.spent + each.held + call.price > each.limit:
            rule = f"window:{each.name}" if each.rule == "window" else each.rule
            more = {"resetsAt": each.resets, "window": each.window}
            return _Denied(each.rule, limit_state(source, rule, each.limit, each.spent, each.held, **more))
    return None


def next_arrival(rate: Tuple[int, int], arrival: float, at: int) -> Tuple[float, float]:
    """GCRA: the next theoretical arrival, and how much too early the call is; 0 or less is in time. Milliseconds, IEEE doubles."""
    limit, seconds = rate
    following = max(arrival, float(at * 1000)) + seconds * 1000 / limit
    return following, following - at * 1000 - seconds * 1000


def _rate(source: Source, at: int) -> Denied:
    rate, arrival = source.policy.rate, source.arrival
    if rate is None or arrival is None:
        return None
    excess = next_arrival(rate, arrival, at)[1]
    if excess <= 0:
        return None
    limit, seconds = rate
    left = max(0, math.floor(limit - max(0.0, arrival - at * 1000) / (seconds * 1000 / limit)))
    more = {"window": seconds, "resetsAt": at + max(1, math.ceil(excess / 1000))}
    return _Denied("rate", limit_state(source, "rate", limit, limit - left, 0, **more))


def live_repeats(repeats: List[Repeat], seconds: int, at: int) -> List[Repeat]:
    return [each for each in repeats if at < each.since + seconds]


def _repeat(source: Source, call: Subject, at: int) -> Denied:
    rule = source.policy.repeat
    if rule is None or source.repeats is None or call.is_top_up:
        return None
    live = live_repeats(source.repeats, rule[1], at)
    return _Denied("repeat") if any(r.request == call.request and r.count >= rule[0] for r in live) else None


def _group(number: int, source: Source, call: Subject, at: int, counts_pace: bool) -> Denied:
    if number <= 3:
        return _status(source, call, at, number)
    if number == 8:
        return _rate(source, at) if counts_pace else None
    if call.is_top_up:
        return None
    if number == 4:
        denied = first_denying(source.policy.deny, False, call.tool, call.params)
        return None if denied is None else _Denied("deny", None, denied.param)
    if number == 5:
        return _terms(source, call, at)
    if number == 6:
        return _per_call(source, call)
    if number == 7:
        return _spend(source, call)
    return _repeat(source, call, at) if counts_pace else None


def evaluate(sources: List[Source], call: Subject, at: int, counts_pace: bool = True) -> Optional[Refusal]:
    """The first refusal: of the earliest group, and within it of the first policy. Raises Unknown. `counts_pace`: rate and repeat apply."""
    for number in range(1, 10):
        for source in sources:
            denied = _group(number, source, call, at, counts_pace)
            if denied is not None:
                return Refusal(denied.rule, source, denied.limit, denied.param)
    return None
