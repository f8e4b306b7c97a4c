"""What a call says about the accounts above it, against their own chains (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from account import Claim
from branches import SLACK, Branch
from survey import Survey
from tally import Tally
from windows import FOREVER

UNKNOWN = "the chain of an account above is not in the files"
RECENT = "an account above changed a policy, its status or a grant within 65 s of the call"

Found = Optional[Tuple[str, str]]
"""Field and reason of a false claim; `PERHAPS` if the order in time cannot be known; None for a true claim."""
PERHAPS = ("", "")


def check_claim(tally: Tally, branches: Dict[str, Branch], survey: Survey, claim: Claim, account: str) -> None:
    """Policies, statuses and revocations reach an account within 60 s, and clocks differ by 5 s."""
    branch = branches.get(claim.ancestor)
    if branch is None or not branch.is_read:
        return tally.bound(UNKNOWN)
    found = [_policy(claim, branch, "operator", claim.operator), _policy(claim, branch, "owner", claim.owner)]
    if not claim.is_denial:
        found = [_revocation(claim, branch, survey), _status(claim, branch), *found]
    broken = next((each for each in found if each is not None and each != PERHAPS), None)
    if broken is not None:
        tally.break_with(claim.place, broken[1], account, claim.seq, broken[0])
    elif PERHAPS in found:
        tally.bound(RECENT)
    else:
        tally.prove()
    return None


def _near(versions: Sequence[Tuple[int, Any]], at: int) -> List[Any]:
    """What may have been in force at a time, as an account below knew it."""
    ends = [start for start, _ in versions[1:]] + [FOREVER]
    return [each for (start, each), end in zip(versions, ends) if start <= at + SLACK and at - SLACK < end]


def _policy(claim: Claim, branch: Branch, slot: str, hashed: Optional[str]) -> Found:
    if claim.is_denial and hashed is None:
        return None
    same = [version[slot] == hashed for version in _near(branch.versions(), claim.at)]
    return None if all(same) else PERHAPS if any(same) else ("evidence.policies", "wrong_policies")


def _status(claim: Claim, branch: Branch) -> Found:
    known = _near(branch.statuses, claim.at)
    if all(status == "active" for status in known):
        return None
    return PERHAPS if "active" in known else ("payment.grant", known[-1])


def _revocation(claim: Claim, branch: Branch, survey: Survey) -> Found:
    grant = survey.grants[claim.grant][1]
    first = next(
        (at for at, revoked, epoch in branch.revocations if (revoked == grant["id"] if epoch == 0 else grant["epoch"] < epoch)),
        None,
    )
    if first is None or claim.at < first - SLACK:
        return None
    return PERHAPS if claim.at <= first + SLACK else ("payment.grant", "revoked")
