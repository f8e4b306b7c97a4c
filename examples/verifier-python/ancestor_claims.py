"""Compares what entries of calls state about ancestors with the chains of the ancestors (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any, Dict, List, Optional, Tuple

from account import Claim, CutOff
from branches import SLACK, Branch
from fields import ZERO_HASH
from survey import Survey
from tally import Tally
from times import Course, places_in

UNKNOWN = "the chain of an account above is not in the files"
RECENT = "an account above changed a policy, its status or a grant within 65 s of the call"

Found = Optional[Tuple[str, str]]
"""Field and reason of a false claim; `PERHAPS` if the order in time cannot be known; None for a true claim."""
PERHAPS = ("", "")


class KnownAncestor:
    """What an ancestor's chain shows, prepared once for the claims of all calls below it."""

    def __init__(self, branch: Branch) -> None:
        versions = branch.versions()
        starts = [at for at, _ in versions]
        self.slots = {slot: Course(starts, [version[slot] for _, version in versions]) for slot in ("operator", "owner")}
        # A clock may have stepped back between two entries, but a course needs ascending times.
        times = list(accumulate((at for at, _ in branch.statuses), max))
        self.statuses = Course(times, [status for _, status in branch.statuses])
        self.revocations, self.issuers = branch.revocations, branch.issuers
        self._by_id: Dict[str, int] = {}
        """Index in `revocations` of the first revocation of each grant id."""
        self._epochs: List[int] = []
        self._by_epoch: List[int] = []
        """Indexes in `revocations` of the revocations by epoch, each with a higher epoch than all before it."""
        for place, (_, revoked, epoch) in enumerate(branch.revocations):
            if epoch == 0:
                self._by_id.setdefault(revoked, place)
            elif epoch > (self._epochs[-1] if self._epochs else 0):
                self._epochs.append(epoch)
                self._by_epoch.append(place)

    def revoked_at(self, grant_id: str, epoch: int) -> Optional[int]:
        """Time of the first entry that revokes a grant, or None."""
        higher = bisect_right(self._epochs, epoch)
        found = [*self._by_epoch[higher : higher + 1], *([self._by_id[grant_id]] if grant_id in self._by_id else [])]
        return self.revocations[min(found)][0] if found else None


def check_claim(tally: Tally, known: Optional[KnownAncestor], survey: Survey, claim: Claim, account: str) -> None:
    """Checks one claim. Policies, statuses and revocations of an ancestor reach an account within 60 s, and clocks differ by 5 s."""
    if known is None:
        return tally.bound(UNKNOWN)
    found = [_policy(claim, known, "operator", claim.operator), _policy(claim, known, "owner", claim.owner)]
    if not claim.is_denial:
        found = [_revocation(claim, known, survey), _status(claim, known), *found]
    broken = next((each for each in found if each is not None and each != PERHAPS), None)
    if broken is not None:
        tally.break_with(claim.place, broken[1], account, claim.seq, broken[0])
    elif PERHAPS in found:
        tally.bound(RECENT)
    else:
        tally.prove()
    return None


def _policy(claim: Claim, known: KnownAncestor, slot: str, hashed: Optional[str]) -> Found:
    if claim.is_denial and hashed is None:
        return None
    always, partly = known.slots[slot].held_in(hashed, claim.at - SLACK, claim.at + SLACK)
    return None if always else PERHAPS if partly else ("evidence.policies", "wrong_policies")


def _status(claim: Claim, known: KnownAncestor) -> Found:
    start, end = claim.at - SLACK, claim.at + SLACK
    always, partly = known.statuses.held_in("active", start, end)
    if always:
        return None
    last = places_in(known.statuses.starts, start, end)[1] - 1
    return PERHAPS if partly else ("payment.grant", known.statuses.values[last])


def _revocation(claim: Claim, known: KnownAncestor, survey: Survey) -> Found:
    grant = survey.grants[claim.grant][1]
    first = known.revoked_at(grant["id"], grant["epoch"])
    if first is None or claim.at < first - SLACK:
        return None
    return PERHAPS if claim.at <= first + SLACK else ("payment.grant", "revoked")


def check_cut_off(tally: Tally, known: Optional[KnownAncestor], survey: Survey, cut_off: CutOff, account: str) -> None:
    """Checks that a cut-off had a cause: the ancestor revoked a grant, its account was revoked, or it gave up or left its own grant."""
    grants = [survey.grants[each][1] for each in cut_off.issued]
    if known is None or not grants:
        return tally.bound(UNKNOWN)
    latest = cut_off.at + SLACK
    is_revoked = any(status == "revoked" and at <= latest for at, status in zip(known.statuses.starts, known.statuses.values))
    if is_revoked or any(_is_ended(known, survey, grant, latest) for grant in grants):
        return tally.prove()
    return tally.break_with(cut_off.place, "wrong_grant", account, cut_off.seq, "outcome.ancestors")


def _is_ended(known: KnownAncestor, survey: Survey, grant: Dict[str, Any], latest: int) -> bool:
    if _is_revoked(known, grant, latest):
        return True
    if grant["parent"] == ZERO_HASH:
        return False
    if grant["parent"] not in survey.grants:
        return True
    parent = survey.grants[grant["parent"]][1]
    has_moved = any(issuer != parent["issuer"] and at <= latest for at, issuer in known.issuers)
    return has_moved or _is_revoked(known, parent, latest)


def _is_revoked(known: KnownAncestor, grant: Dict[str, Any], latest: int) -> bool:
    first = known.revoked_at(grant["id"], grant["epoch"])
    return first is not None and first <= latest
