"""The first pass over the files of an export: the accounts in them, the texts that entries name by hash, and where denials were judged."""

from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from canonical import NotJson, canonical_hash, is_canonical, parse_json, parse_strict_json
from entry import Place, Seen, entry_hash, member, read_entry, text_in
from export import MAX_BROKEN_LINES, MAX_TEXT_LINE, Export, Line, line_at, lines_of
from fields import Malformed, split_account
from forms import delegation
from typed_data import delegation_digest

# In a canonical line the quotes inside strings are escaped, so these bytes can only be members.
WITH_TEXT = (b'"document":{', b'"policy":{', b'"delegation":{')
DENIAL = b'"type":"call.denied","v":1}'

MIN_ENTRY = 200
"""Every entry is longer: it has a salt, two hashes and an account."""

Span = Tuple[int, int]


class Judged(NamedTuple):
    """Where a denial is in the files. `data` is kept only for compressed files, where reading a line again takes long."""

    path: str
    number: int
    offset: int
    data: Optional[bytes]


class LogFile(NamedTuple):
    """A log. `account`: that of the first entry, if the entry can be read. `fault`: why the file cannot be read to its end; then none of
    its lines counts."""

    path: str
    account: Optional[str]
    first: int
    fault: Optional[Line] = None


class Survey:
    def __init__(self, export: Export) -> None:
        self.texts: Dict[str, Any] = {}
        """Policies and terms by the SHA-256 of their canonical text."""
        self.grants: Dict[str, Tuple[int, Dict[str, Any]]] = {}
        """Delegations by their digest, with their chain id."""
        self.altered: Dict[str, Place] = {}
        """The place of each changed text, by the hash that the files state for it."""
        self.text_fault: Optional[Tuple[Place, str]] = None
        """The first line of `texts.ndjson` whose text is not the one that its hash names."""
        self.accounts: Dict[str, Span] = {}
        self._denials: Dict[str, Dict[int, List[Judged]]] = {}
        files = [self._read(path) for path in export.logs]
        places: Dict[Optional[str], int] = {}
        for file in files:
            places.setdefault(file.account, len(places))
        self.files = sorted(files, key=lambda file: (places[file.account], file.first))
        texts = export.optional("texts.ndjson")
        if texts is not None:
            self._read_texts(texts)

    def _read(self, path: str) -> LogFile:
        first: Optional[bytes] = None
        last = b""
        offset = broken = 0
        texts: Dict[str, Any] = {}
        grants: Dict[str, Tuple[int, Dict[str, Any]]] = {}
        for line in lines_of(path):
            if line.fault is not None:
                return LogFile(path, None, 0, line)
            first = line.data if first is None else first
            last = line.data
            is_short, has_text = len(last) < MIN_ENTRY, any(each in last for each in WITH_TEXT)
            if is_short or (has_text and not self._collect(last, Place(path, line.number), texts, grants)):
                broken += 1
                # The second pass stops at the same place.
                if broken == MAX_BROKEN_LINES:
                    break
            if last.endswith(DENIAL):
                kept = last if path.endswith(".gz") else None
                self._note_denial(last, Judged(path, line.number, offset, kept))
            offset += len(last) + 1
        self.texts.update(texts)
        self.grants.update(grants)
        start, end = _entry(first or b""), _entry(last)
        if start is None:
            return LogFile(path, None, 0)
        account, seq = start["account"], start["seq"]
        known = self.accounts.get(account, (seq, seq))
        self.accounts[account] = (min(known[0], seq), max(known[1], seq if end is None else end["seq"]))
        return LogFile(path, account, seq)

    def _collect(
        self, line: bytes, place: Place, texts: Dict[str, Any], grants: Dict[str, Tuple[int, Dict[str, Any]]]
    ) -> bool:
        """Keeps the texts of an entry, each under the hash of its content, not under the stated one. False if the line is no entry."""
        entry = _entry(line)
        if entry is None:
            return False
        for side in ("evidence", "outcome"):
            for name in ("policy", "document"):
                text = member(entry, side, name)
                if isinstance(text, dict):
                    texts[canonical_hash(text)] = text
        text = member(entry, "evidence", "document") or member(entry, "evidence", "policy")
        stated = text_in(entry, "outcome", "hash") or text_in(entry, "evidence", "terms")
        if text is not None and stated is not None and canonical_hash(text) != stated:
            self.altered[stated] = place
        try:
            chain_id = split_account(entry["account"])[0]
            grant = delegation(member(entry, "evidence", "delegation"))
            grants["0x" + delegation_digest(grant, chain_id).hex()] = (chain_id, grant)
        except Malformed:
            pass
        return True

    def _note_denial(self, line: bytes, judged: Judged) -> None:
        entry = _entry(line)
        after = member(entry, "outcome", "after")
        if entry is not None and type(after) is int:
            self._denials.setdefault(entry["account"], {}).setdefault(after, []).append(judged)

    def _read_texts(self, path: str) -> None:
        """Reads `texts.ndjson`. A text with another hash than stated is a fault, and entries that name the stated hash lack their text."""
        broken = 0
        for line in lines_of(path, MAX_TEXT_LINE):
            place = Place(path, line.number)
            if line.fault is not None:
                self.text_fault = self.text_fault or (place, line.fault)
                return
            hashed, own = None, None
            try:
                value = parse_strict_json(line.data)
                hashed, text = text_in(value, "hash"), member(value, "text")
                own = canonical_hash(text) if isinstance(text, dict) else None
            except (NotJson, ValueError):
                pass
            if own is not None and own == hashed:
                self.texts[own] = text
                continue
            if hashed is not None:
                self.altered[hashed] = place
            self.text_fault = self.text_fault or (place, "malformed_text" if own is None else "altered_text")
            broken += 1
            if broken == MAX_BROKEN_LINES:
                return

    def judged_after(self, account: str, seq: int) -> List[Seen]:
        """The denials of an account that were judged right after an entry."""
        found: List[Seen] = []
        for judged in self._denials.get(account, {}).pop(seq, []):
            data = line_at(judged.path, judged.offset) if judged.data is None else judged.data
            entry = _entry(data)
            if entry is not None:
                found.append(Seen(entry, entry_hash(data), Place(judged.path, judged.number)))
        return found


def _entry(line: bytes) -> Optional[Dict[str, Any]]:
    try:
        value = parse_json(line)
        entry = read_entry(value)
        return entry if is_canonical(value, line) else None
    except (NotJson, Malformed):
        return None
