"""What a call says about the accounts above it, against their own chains (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Dict, List, Optional, Tuple

from account import Claim
from branches import SLACK, Branch
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
        # A clock may have stepped back between two entries.
        times = list(accumulate((at for at, _ in branch.statuses), max))
        self.statuses = Course(times, [status for _, status in branch.statuses])
        self.revocations = branch.revocations
        self._by_id: Dict[str, int] = {}
        """The place of the first revocation of each grant by its id."""
        self._epochs: List[int] = []
        self._by_epoch: List[int] = []
        """The places of the revocations by epoch that revoke more grants than those before them."""
        for place, (_, revoked, epoch) in enumerate(branch.revocations):
            if epoch == 0:
                self._by_id.setdefault(revoked, place)
            elif epoch > (self._epochs[-1] if self._epochs else 0):
                self._epochs.append(epoch)
                self._by_epoch.append(place)

    def revoked_at(self, grant_id: str, epoch: int) -> Optional[int]:
        """When the first revocation of a grant was entered."""
        higher = bisect_right(self._epochs, epoch)
        found = [*self._by_epoch[higher : higher + 1], *([self._by_id[grant_id]] if grant_id in self._by_id else [])]
        return self.revocations[min(found)][0] if found else None


def check_claim(tally: Tally, known: Optional[KnownAncestor], survey: Survey, claim: Claim, account: str) -> None:
    """Policies, statuses and revocations reach an account within 60 s, and clocks differ by 5 s."""
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
