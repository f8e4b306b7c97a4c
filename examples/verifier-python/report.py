"""The report of a verification (docs/audit-format.md, Report)."""

from __future__ import annotations

from typing import Any, Dict, List, Set

from fault_words import fault_words
from tally import CHECKS, Tally

# From best to worst. The worst verdict of several is the overall verdict.
WORSE = ("proved", "bounded", "open", "not checked", "BROKEN")


def report(entries: int, accounts: int, findings: List[Dict[str, Any]], optional: Set[str]) -> Dict[str, Any]:
    """The overall verdict is the worst of the checks that count."""
    by_check = {finding["check"]: finding for finding in findings}
    checks = [by_check.get(check) or Tally(check).absent("this verifier does not do this check") for check in CHECKS]
    counting = [_weight(c) for c in checks if c["check"] not in optional or c["verdict"] != "not checked"]
    return {
        "v": 1,
        "verdict": max(counting, key=WORSE.index),
        "entries": entries,
        "accounts": accounts,
        "checks": checks,
    }


def _weight(finding: Dict[str, Any]) -> str:
    """An unproved `heads` has a verdict of its own, `open`: no other check shows that the files have the ends of the chains."""
    is_open = finding["check"] == "heads" and finding["verdict"] in ("bounded", "not checked")
    return "open" if is_open else finding["verdict"]


def print_report(found: Dict[str, Any]) -> None:
    heads = next(each for each in found["checks"] if each["check"] == "heads")
    note = heads.get("note", "")
    if heads["verdict"] in ("bounded", "not checked"):
        print(f"OPEN  entries may be missing at the ends of chains: {note}")
    # A reader of one line must not take a broken export for a whole one.
    elif all(each["verdict"] != "BROKEN" for each in found["checks"]):
        print(f"whole  {note}")
    print(f"{found['entries']} entries of {found['accounts']} accounts")
    for check in found["checks"]:
        counts = f"{check['checked']} checked"
        if check["bounded"]:
            counts += f", {check['bounded']} of them bounded"
        if check["unchecked"]:
            counts += f", {check['unchecked']} not checked"
        print(f"  {check['check']:<12}{check['verdict']:<12}{counts}")
        if "note" in check:
            print(f"{'':26}{check['note']}")
    for check in found["checks"]:
        first = check.get("first")
        if first is not None:
            line = f"{first['file']} line {first['line']}"
            account = first.get("account")
            what = line if account is None else f"{line}, about {account},"
            if "seq" in first:
                what = f"entry {first['seq']} of {account}"
            where = f" ({line})" if "seq" in first else ""
            print(f"BROKEN  {check['check']}: {what} {fault_words(first['reason'], first.get('field', ''))}{where}")
    print(found["verdict"])
