"""Finds the policies that bind a call: compares the list in its entry with the replay, and returns the sources to evaluate
(docs/audit-format.md, Which policies bind a call)."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from account import Account, Claim, CutOff
from conditions import compared
from entry import Seen, member, text_in
from evaluation import Counter, Source, Subject
from fields import ZERO_HASH, Malformed
from policy import Policy, compile_grant, read_policy
from step import Fault
from survey import Survey
from windows import every_of, period_of, window_name, windows_of

Listed = Tuple[str, str, str]
"""Kind, account and hash of a policy."""


class Missing(Exception):
    """A text that is not in the files."""


class Bound(NamedTuple):
    """`missing`: the first hash without a text. `lacks_own`: the text of one of the account's own policies is missing."""

    sources: List[Source]
    missing: Optional[str]
    lacks_own: bool


MOST_LINKS = 4
"""No chain of grants is longer; a longer one would be a circle."""


def subject_of(entry: Dict[str, Any]) -> Optional[Subject]:
    """The call of an acceptance or a denial, as policies see it; None if a member is missing."""
    evidence, payment = entry.get("evidence", {}), entry.get("payment", {})
    signed = evidence.get("authorization") or evidence.get("intent")
    until = evidence.get("validBefore", member(signed, "validBefore"))
    pay_to, asset, price = payment.get("payTo"), payment.get("asset"), entry.get("amounts", {}).get("price")
    needed = (entry.get("tool"), entry.get("request"), entry.get("binding"), pay_to, asset, price)
    if None in needed or not isinstance(pay_to, str) or not isinstance(asset, str) or not str(until).isdecimal():
        return None
    return Subject(
        tool=entry["tool"],
        pay_to=pay_to,
        asset=asset,
        price=int(str(price)),
        is_top_up="creditTo" in payment,
        binding=entry["binding"],
        valid_before=int(until),
        request=entry["request"],
        params=evidence.get("params"),
    )


def has_params(entry: Dict[str, Any], sources: List[Source]) -> bool:
    """Whether the entry has exactly the parameters that conditions of its policies compare."""
    conditions = [each for source in sources for each in (*source.policy.deny, *source.policy.require)]
    params = member(entry, "evidence", "params")
    return set(params if isinstance(params, dict) else {}) == compared(conditions, entry.get("tool", ""))


class Binder:
    """Finds the texts of policies and grants, and caches the policies that it has read."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._read: Dict[Tuple[bool, str], Policy] = {}

    def policy(self, kind: str, hashed: str) -> Policy:
        """Raises Missing, also for a text that this program cannot read: the text may set limits that the program does not know."""
        # The hash of a grant under another kind must not find the cached grant: it names no text.
        key = (kind == "grant", hashed)
        known = self._read.get(key)
        if known is not None:
            return known
        try:
            if kind == "grant":
                chain_id, grant = self._survey.grants[hashed]
                found = compile_grant(grant, chain_id)
            else:
                found = read_policy(self._survey.texts[hashed])
        except (KeyError, Malformed):
            raise Missing(f"the text of the policy {hashed} is missing") from None
        self._read[key] = found
        return found

    def listed(self, entry: Dict[str, Any], account: Account) -> List[Listed]:
        """The list of an entry; without one it is the account's base policy alone."""
        policies = member(entry, "evidence", "policies")
        if isinstance(policies, list):
            return [tuple(str(member(each, name)) for name in ("kind", "account", "hash")) for each in policies]  # type: ignore[misc]
        hashed = str(entry.get("policy"))
        kind = "default" if account.policies["operator"] is None else "operator"
        return [(kind, account.name, hashed)]

    def is_right_list(self, listed: List[Listed], account: Account, grant: Optional[str]) -> bool:
        """Whether the list is the one that the account's state requires. `grant`: the grant of the call."""
        operator, owner = account.policies["operator"], account.policies["owner"]
        base = listed[0][2] if listed else ZERO_HASH
        expected = [("default", account.name, base) if operator is None else ("operator", account.name, operator)]
        if owner is not None:
            expected.append(("owner", account.name, owner))
        if grant is not None:
            expected.append(("grant", account.name, grant))
        size = len(expected)
        return listed[:size] == expected and self._are_ancestors_right(listed[size:], grant)

    def _are_ancestors_right(self, rest: List[Listed], grant: Optional[str]) -> bool:
        """Whether the rest lists, for each issuer, its policies as its lease brought them, then the grant that the issuer holds itself."""
        for _ in range(MOST_LINKS):
            if grant is None or grant not in self._survey.grants:
                break
            chain_id, delegation = self._survey.grants[grant]
            issuer = f"eip155:{chain_id}:{delegation['issuer']}"
            for kind in ("operator", "owner"):
                if rest and rest[0][:2] == (kind, issuer):
                    rest = rest[1:]
            grant = delegation["parent"]
            if grant == ZERO_HASH:
                break
            if not rest or rest[0] != ("grant", issuer, grant):
                return False
            rest = rest[1:]
        return not rest

    def links(self, grant: Optional[str]) -> List[Tuple[str, Dict[str, Any]]]:
        """A grant and its parents, nearest first; ends where a text is missing."""
        found: List[Tuple[str, Dict[str, Any]]] = []
        while grant in self._survey.grants and len(found) < MOST_LINKS:
            delegation = self._survey.grants[str(grant)][1]
            found.append((str(grant), delegation))
            grant = delegation["parent"]
        return found

    def claims(self, seen: Seen, account: Account) -> List[Claim]:
        """Returns what the entry of a call states about each ancestor. A top-up spends nothing, so it needs no lease."""
        entry = seen.entry
        is_denial = entry["type"] == "call.denied"
        grant = text_in(entry, "outcome", "authority") if is_denial else text_in(entry, "payment", "grant")
        if "creditTo" in entry.get("payment", {}) or "call" not in entry:
            return []
        listed, found = self.listed(entry, account), []
        for hashed, delegation in self.links(grant):
            ancestor = f"{account.name.rsplit(':', 1)[0]}:{delegation['issuer']}"
            slots = [next((h for k, n, h in listed if (k, n) == (kind, ancestor)), None) for kind in ("operator", "owner")]
            found.append(Claim(ancestor, hashed, slots[0], slots[1], is_denial, entry["at"], entry["seq"], seen.place))
        return found

    def ancestor_faults(self, entry: Dict[str, Any]) -> List[Fault]:
        """Checks the ancestors in the entry of a taken grant: the issuers of this grant and of the grants above it."""
        links = self.links(text_in(entry, "evidence", "grant"))
        # If the files lack the text of a grant above, nothing shows the issuers from there on.
        if not links or links[-1][1]["parent"] != ZERO_HASH:
            return []
        on = entry["account"].rsplit(":", 1)[0]
        above = [f"{on}:{delegation['issuer']}" for _, delegation in links]
        is_right = member(entry, "outcome", "above") == above
        return [] if is_right else [Fault("calls", "wrong_grant", "outcome.above")]

    def cut_off_faults(self, seen: Seen, account: Account) -> List[Fault]:
        """Checks and applies a cut-off that an entry names: the remaining ancestors are the last of those that the newest grant named."""
        entry = seen.entry
        if "ancestors" not in entry.get("outcome", {}):
            return []
        named = entry["outcome"]["ancestors"]
        count = len(account.above) - (len(named) if isinstance(named, list) else 0)
        is_later = account.cut_off < count < len(account.above)
        if not is_later or entry["type"] == "grant.taken" or named != account.above[count:]:
            return [Fault("calls", "wrong_grant", "outcome.ancestors")]
        account.cut_off = count
        branches = self._branches_of(account)
        issued = [issued for _, issued in branches]
        account.cut_offs.append(CutOff(account.above[count], issued, entry["at"], entry["seq"], seen.place))
        # Only the revocation of an owner's grant is permanent: other issuers may move to another parent, and return. If the owner issued
        # several grants, the log does not show which one it revoked.
        if count == len(account.above) - 1 and len(set(issued)) == 1:
            for hashed, _ in branches:
                account.grants[hashed].is_cut_off = True
        return []

    def _branches_of(self, account: Account) -> List[Tuple[str, str]]:
        """The held grants that came through the current ancestors, each with the grant that the nearest remaining ancestor issued."""
        found: List[Tuple[str, str]] = []
        on = account.name.rsplit(":", 1)[0]
        for hashed, held in account.grants.items():
            links = self.links(hashed)
            is_same = [f"{on}:{delegation['issuer']}" for _, delegation in links] == account.above
            if held.state != "superseded" and is_same:
                found.append((hashed, links[account.cut_off][0]))
        return found

    def bind(self, listed: List[Listed], account: Account, asset: str, at: int) -> Bound:
        """Returns the listed policies with their counters, as far as their texts are in the files."""
        sources: List[Source] = []
        missing: Optional[str] = None
        lacks_own = False
        for each in listed:
            try:
                sources.append(self._source(each, account, asset, at))
            except Missing:
                missing = missing or each[2]
                lacks_own = lacks_own or each[1] == account.name
        return Bound(sources, missing, lacks_own)

    def _source(self, listed: Listed, account: Account, asset: str, at: int) -> Source:
        kind, owner, hashed = listed
        policy = self.policy(kind, hashed)
        if owner != account.name:
            return Source(kind, owner, hashed, policy, "active", (), None, None, False)
        prefix = f"{hashed}/" if kind == "grant" else ""
        slot = "owner" if kind == "owner" else "base"
        return Source(
            kind, owner, hashed, policy, account.status,
            tuple(self._counters(policy, prefix, account, asset, at)),
            None if kind == "grant" else account.arrivals[slot],
            None if kind == "grant" else account.repeats[slot],
            True,
        )  # fmt: skip

    def _counters(self, policy: Policy, prefix: str, account: Account, asset: str, at: int) -> List[Counter]:
        found: List[Counter] = []
        for window in windows_of(policy, asset):
            name = window_name(window.every)
            _, spent, held = account.counter(asset, prefix + name, at)
            is_lifetime = window.every == "lifetime"
            start, end = period_of(every_of(name), at)
            rule = "lifetime" if is_lifetime else "window"
            resets, length = (None, None) if is_lifetime else (end, end - start)
            found.append(Counter(rule, name, prefix + name, window.limit, spent, held, resets, length))
        return found
