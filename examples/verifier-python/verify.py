#!/usr/bin/env python3
"""Verifies an exported audit log with the standard library alone, written from docs/audit-format.md.

  python3 verify.py FOLDER --log-key KEYS
  python3 verify.py account.ndjson more.ndjson.gz --receipts receipts.txt --keys jwks.json --json

Exit code: 0 nothing is broken and nothing is missing, 1 BROKEN, 2 something that was asked for or that the folder should hold is
not checked, 3 wrong usage, 4 nothing shows that no entry is missing at the end of a chain (there is no log, or --log-key does not
pin its key), 70 a fault of this program.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import Any, Dict, List, NoReturn, Optional, Set

from canonical import NotJson, is_canonical, parse_json, parse_strict_json
from chain import Chain
from decisions import Decisions
from entry import Place, Seen, entry_hash, read_entry
from export import MAX_BROKEN_LINES, Export, Line, Unreadable, lines_of, open_export, read_text
from fields import Malformed
from log import Log
from prices import Prices
from receipts import Receipts, read_keys
from report import print_report, report
from signatures import Signatures
from survey import Survey
from tally import Tally

USAGE, INTERNAL = 3, 70


class Contains:
    """The check `contains`: an entry with this hash is in the files."""

    def __init__(self, wanted: Optional[str]) -> None:
        self.tally = Tally("contains")
        self._wanted = wanted
        self._found: Optional[Seen] = None

    def see(self, seen: Seen) -> None:
        if seen.hash == self._wanted:
            self.tally.prove()
            self._found = seen

    def end(self, log: Log) -> Dict[str, Any]:
        if self._wanted is None:
            return self.tally.absent("give --contains HASH, e.g. the `entry` of a receipt")
        if self._found is None:
            self.tally.break_with(Place("", 0), "not_found")
            return self.tally.finding()
        entry, place = self._found.entry, self._found.place
        note = f"entry {entry['seq']} of {entry['account']}, {place.file} line {place.line}"
        at = log.position_of(entry["account"], entry["seq"])
        if at is not None:
            note += f"; leaf {at[1]} of {at[0]}, entry {at[2] + 1} of {at[3]} in it"
        return {**self.tally.finding(), "note": note}


def verify(export: Export, options: argparse.Namespace) -> Dict[str, Any]:
    """Reads every line twice and runs all checks. Returns the report (docs/audit-format.md, Report)."""
    survey = Survey(export)
    form, chain, signatures = Tally("form"), Chain(), Signatures(options.workers)
    log = Log(export, options.log, options.log_key, options.checkpoint)
    keys_path = options.keys or export.optional("jwks.json") or ""
    if options.receipts and not keys_path:
        raise Unreadable("--receipts needs the keys that verify them; give --keys")
    receipts = Receipts(options.receipts, keys_of(keys_path) if options.receipts else None, keys_path)
    contains = Contains(options.contains)
    decisions, prices = Decisions(survey), Prices(survey)
    if not export.logs:
        form.break_with(Place("", 0), "empty")
    if survey.text_fault is not None:
        form.break_with(*survey.text_fault)
    entries = 0
    for file in survey.files:
        if file.fault is not None:
            form.break_with(Place(file.path, file.fault.number), str(file.fault.fault))
            continue
        broken = 0
        for line in lines_of(file.path):
            seen = read_line(line, file.path, form)
            if seen is None:
                broken += 1
                if broken == MAX_BROKEN_LINES:
                    break
                continue
            entries += 1
            for check in (chain, signatures, decisions, prices, log, receipts, contains):
                check.see(seen)
        # A file without any readable entry is no log.
        if file.account is None and (form.first is None or form.first["file"] != file.path):
            form.break_with(Place(file.path, 1), "empty")
    found = [
        form.finding(),
        chain.end(survey.accounts, export.expected),
        signatures.end(),
        *decisions.end(),
        prices.end(),
        receipts.end(survey.accounts),
        log.end(),
        log.heads().end(survey.accounts),
        contains.end(log),
    ]
    return report(entries, len(survey.accounts), found, optional_checks(export, options))


def read_line(line: Line, name: str, form: Tally) -> Optional[Seen]:
    """One entry, or None for a line that is none."""
    place = Place(name, line.number)
    try:
        value = parse_json(line.data)
        entry = read_entry(value)
    except NotJson as fault:
        form.break_with(place, fault.reason)
        return None
    except Malformed as fault:
        form.break_with(place, "malformed", field=".".join(fault.path) or "entry")
        return None
    if not is_canonical(value, line.data):
        form.break_with(place, "not_canonical")
        return None
    form.prove()
    return Seen(entry, entry_hash(line.data), place)


def keys_of(path: str) -> Optional[Dict[str, bytes]]:
    try:
        return read_keys(parse_strict_json(read_text(path).encode()))
    except (Malformed, NotJson):
        return None


def optional_checks(export: Export, options: argparse.Namespace) -> Set[str]:
    """The checks that may stay unchecked: their input is optional and was not given."""
    found = {"settlements"}
    if export.folder is None:
        found |= {"prices", "limits", "denials", "totals"}
    if options.receipts is None:
        found.add("receipts")
    if not export.years(options.log):
        found.add("log")
    if options.contains is None:
        found.add("contains")
    return found


class Parser(argparse.ArgumentParser):
    """argparse ends with 2 for wrong usage, which here means an incomplete export."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(USAGE)


def options_of(words: List[str]) -> argparse.Namespace:
    parser = Parser(prog="verify.py", description="Verifies an exported audit log.")
    parser.add_argument("paths", nargs="+", metavar="PATH", help="folder of an export, or .ndjson files, also .gz")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--receipts", metavar="FILE", help="receipts, one compact JWS a line")
    parser.add_argument("--keys", metavar="FILE", help="JWKS of the receipts (default: jwks.json of the folder)")
    parser.add_argument("--contains", metavar="HASH", help="hash of an entry that must be there")
    parser.add_argument("--checkpoint", metavar="FILE", help="an older checkpoint that the log must extend")
    parser.add_argument("--log", metavar="FOLDER", help="folder of another export, which has the log")
    parser.add_argument(
        "--log-key", metavar="KEY", action="append", default=[], help="key of the log from another source than the export, or a file with them; without it the verdict is open"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that recompute signatures (default: one a core)")
    options = parser.parse_args(words)
    if options.contains is not None and re.fullmatch("0x[0-9a-f]{64}", options.contains) is None:
        parser.error("--contains takes a hash: 0x and 64 lower-case hex digits")
    return options


def main(words: List[str]) -> int:
    options = options_of(words)
    try:
        found = verify(open_export(options.paths), options)
    except Unreadable as fault:
        print(f"verify.py: {fault}", file=sys.stderr)
        return USAGE
    if options.json:
        print(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
    else:
        print_report(found)
    return {"BROKEN": 1, "not checked": 2, "open": 4}.get(found["verdict"], 0)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception:  # Python ends with 1 for an uncaught exception, and 1 means BROKEN.
        import traceback

        traceback.print_exc()
        print("verify.py: this is a fault of the program; it says nothing about the log", file=sys.stderr)
        code = INTERNAL
    sys.exit(code)
