"""Counts what a check finds, and keeps the first broken statement (docs/audit-format.md, Verdicts)."""

from __future__ import annotations

from typing import Any, Dict, Optional

from entry import Place, Seen

CHECKS = (
    "form", "chain", "signatures", "calls", "payments", "prices", "limits",
    "denials", "totals", "settlements", "receipts", "log", "heads", "contains",
)  # fmt: skip


class Tally:
    """The counts of one check."""

    def __init__(self, check: str) -> None:
        self.check = check
        self.checked = self.bounded = self.unchecked = 0
        self.first: Optional[Dict[str, Any]] = None
        self._bound_note: Optional[str] = None
        self._skip_note: Optional[str] = None

    def prove(self, count: int = 1) -> None:
        """Counts statements that are proved."""
        self.checked += count

    def bound(self, note: str, count: int = 1) -> None:
        """Counts statements that depend on something that the files cannot show."""
        self.checked += count
        self.bounded += count
        self._bound_note = self._bound_note or note

    def skip(self, note: str, count: int = 1) -> None:
        """Counts statements whose input is missing. `note`: which input, and how to get it."""
        self.unchecked += count
        self._skip_note = self._skip_note or note

    def break_at(self, seen: Seen, reason: str, field: Optional[str] = None) -> None:
        """Records a false statement about an entry."""
        self.break_with(seen.place, reason, seen.entry["account"], seen.entry["seq"], field)

    def break_with(
        self,
        place: Place,
        reason: str,
        account: Optional[str] = None,
        seq: Optional[int] = None,
        field: Optional[str] = None,
    ) -> None:
        """Records a false statement about a line of a file."""
        self.checked += 1
        if self.first is None:
            found = {"account": account, "seq": seq, "file": place.file, "line": place.line, "field": field, "reason": reason}
            self.first = {name: value for name, value in found.items() if value is not None}

    @property
    def verdict(self) -> str:
        if self.first is not None:
            return "BROKEN"
        if self.unchecked > 0:
            return "not checked"
        return "bounded" if self.bounded > 0 else "proved"

    def absent(self, note: str) -> Dict[str, Any]:
        """The check's part of the report if its optional input was not given."""
        return {**self.finding(), "verdict": "not checked", "note": note}

    def finding(self) -> Dict[str, Any]:
        """The check's part of the report."""
        note = self._skip_note or self._bound_note
        return {
            "check": self.check,
            "verdict": self.verdict,
            "checked": self.checked,
            "bounded": self.bounded,
            "unchecked": self.unchecked,
            **({} if note is None else {"note": note}),
            **({} if self.first is None else {"first": self.first}),
        }
