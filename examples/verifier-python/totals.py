"""The check `totals`: what counted against each limit in each period (docs/audit-format.md, The checks: totals)."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Optional, Set, Tuple

from account import Account, Call, Claim, CutOff
from ancestor_claims import KnownAncestor, check_claim, check_cut_off
from binding import MOST_LINKS, Binder
from branch_calls import BranchCalls
from branches import BelowCall, Branch, CallPlace, InForce, limits_of
from fields import ZERO_HASH
from fleet_limits import FleetLimits
from lender_claims import CHILD_MISSING, Loans, check_lease, check_lent
from limit_course import LimitCourse, surely_counts
from survey import Survey
from tally import Tally
from windows import FOREVER, every_of, period_of

EDGE = "calls near the end of a period, or near a change of policy, may count in either"


class _Sum:
    """What counted in one period. `sure`: the part that counts whatever the clocks of other accounts show."""

    def __init__(self) -> None:
        self.sure = self.all = 0
        self.place: Optional[CallPlace] = None
        self._rank = -1

    def add(self, amount: int, is_sure: bool, place: CallPlace, rank: int = -1) -> None:
        """`rank`: the place of a descendant's call in the order of the files. The last of them is the place of the sum."""
        self.sure += amount if is_sure else 0
        self.all += amount
        if rank >= self._rank:
            self.place, self._rank = place, rank


class Totals:
    def __init__(self, survey: Survey, binder: Binder) -> None:
        self.tally = Tally("totals")
        self._survey, self._binder = survey, binder
        self.fleet = FleetLimits(binder)
        self._branches: Dict[str, Branch] = {}
        self._defaults: Set[str] = set()
        self._order: List[str] = []
        """The accounts that were read, in the order of the files."""
        self._claims: List[Tuple[Claim, str]] = []
        self._cut_offs: List[Tuple[CutOff, str]] = []

    def _branch(self, account: str) -> Branch:
        return self._branches.setdefault(account, Branch(account))

    def add(self, account: Account) -> None:
        """Takes the calls of an account that was replayed to its end."""
        branch = self._branch(account.name)
        branch.read(account)
        self._order.append(account.name)
        self._claims += [(claim, account.name) for claim in account.claims]
        self._cut_offs += [(each, account.name) for each in account.cut_offs]
        self._defaults |= account.defaults
        listed = {(claim.seq, claim.ancestor): (claim.operator, claim.owner) for claim in account.claims}
        for call in account.calls.values():
            amount = counted(call)
            if amount == 0 or call.credit_to is not None:
                continue
            place = CallPlace(call.place, account.name, call.seq)
            for name, start in call.counted:
                branch.spend(call.asset, name, start, amount, place)
            for issuer, grant, parent in self._links(call.grant, account.chain_id):
                policies = tuple(each for each in listed.get((call.seq, issuer), ()) if each is not None)
                is_lent = call.lender == grant
                found = BelowCall(account.name, grant, parent, call.asset, call.at, amount, is_lent, policies, place)
                self._branch(issuer).below.append(found)

    def _links(self, grant: Optional[str], chain_id: int) -> Iterator[Tuple[str, str, Optional[str]]]:
        """A grant and its parents: the issuer, the grant, and the grant that the issuer holds itself."""
        for _ in range(MOST_LINKS):
            if grant is None or grant not in self._survey.grants:
                return
            delegation = self._survey.grants[grant][1]
            parent: Optional[str] = None if delegation["parent"] == ZERO_HASH else delegation["parent"]
            yield f"eip155:{chain_id}:{delegation['issuer']}", grant, parent
            grant = parent

    def judge_limits(self, limits: Tally) -> None:
        """Judges what the check `limits` left open, after the last entry."""
        self.fleet.judge(self._branches, self._is_whole, self._defaults, limits)

    def end(self) -> Dict[str, Any]:
        for branch in self._branches.values():
            if branch.is_read:
                self._check(branch)
        loans = Loans(self._branches)
        for account in self._order:
            for entry, place in self._branches[account].leases:
                check_lease(self.tally, self._branches, loans, entry, place)
        known = {name: KnownAncestor(branch) for name, branch in self._branches.items() if branch.is_read}
        for claim, account in self._claims:
            check_claim(self.tally, known.get(claim.ancestor), self._survey, claim, account)
        for cut_off, account in self._cut_offs:
            check_cut_off(self.tally, known.get(cut_off.by), self._survey, cut_off, account)
        lent = [each for account in self._order for each in self._branches[account].lent]
        check_lent(self.tally, self._branches, loans, lent)
        return self.tally.finding()

    def _is_read(self, account: str) -> bool:
        return account in self._branches and self._branches[account].is_read

    def _is_whole(self, account: str) -> bool:
        """Whether the chains of all accounts below are in the files."""
        seen, ahead = {account}, [account]
        while ahead:
            name = ahead.pop()
            if not self._is_read(name):
                return False
            further = self._branches[name].children - seen
            seen |= further
            ahead.extend(further)
        return True

    def _check(self, branch: Branch) -> None:
        # If the files name several default policies, no entry shows which one applied to an ancestor at which time.
        default = next(iter(self._defaults)) if len(self._defaults) == 1 else None
        is_whole = self._is_whole(branch.account)
        parents, calls = branch.parents(), BranchCalls(branch)
        for asset in branch.assets():
            for name, limits in branch.limits(asset, self._binder, default).items():
                self._judge(calls, asset, name, limits, None, is_whole)
            for parent in parents:
                for name, limit in limits_of(self._binder, "grant", parent, asset):
                    self._judge(calls, asset, name, [InForce(0, FOREVER, limit)], parent, is_whole)

    def _judge(
        self, calls: BranchCalls, asset: str, name: str, limits: List[InForce], parent: Optional[str], is_whole: bool
    ) -> None:
        full = name if parent is None else f"{parent}/{name}"
        course = LimitCourse(limits)
        for start, found in sorted(self._sums(calls, asset, name, full, course, parent).items()):
            highest = course.highest_in(*period_of(every_of(name), start))
            if highest < 0 or found.place is None:
                continue
            if found.sure > highest:
                place, account, seq = found.place
                self.tally.break_with(place, "over_limit", account, seq, full)
            elif not is_whole:
                self.tally.skip(CHILD_MISSING)
            elif found.all > highest:
                self.tally.bound(EDGE)
            else:
                self.tally.prove()

    def _sums(
        self, calls: BranchCalls, asset: str, name: str, full: str, course: LimitCourse, parent: Optional[str]
    ) -> Dict[int, _Sum]:
        """What counted in one counter, by the start of the period."""
        sums: Dict[int, _Sum] = {}
        for start, amount, place in calls.own(asset, full):
            sums.setdefault(start, _Sum()).add(amount, True, place)
        for begin, end in course.near:
            for rank, call in calls.below(asset, parent, begin, end):
                start = period_of(every_of(name), call.at)[0]
                is_sure = surely_counts(name, call, course, self._binder)
                sums.setdefault(start, _Sum()).add(call.amount, is_sure, call.place, rank)
        return sums


def counted(call: Call) -> int:
    """What a call counts: its charge, or its price while it is open or kept."""
    if call.state in ("held", "parked", "approved", "kept"):
        return call.price
    return call.charged
