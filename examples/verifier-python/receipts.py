"""The check `receipts`: each receipt's signature, and that its entry states the same (docs/wire-format.md §13)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Container, Dict, List, Optional, Tuple

import ed25519
from canonical import NotJson, canonical_hash, parse_strict_json
from entry import Place, Seen, member
from export import MAX_BROKEN_LINES, lines_of
from fields import Malformed, account, bytes32, decimal, integer, members, one_of, printable, text
from tally import Tally

MAX_RECEIPT = 8192


def _usage(value: Any) -> Dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed()
    return {unit: integer(count) for unit, count in value.items()}


_claims = members(
    {
        "agent": account, "tool": printable(256), "call": bytes32, "request": bytes32,
        "binding": one_of("none", "intent"), "charged": decimal, "asset": text, "status": integer,
        "response": text, "entry": bytes32, "policy": bytes32, "iat": integer, "usage?": _usage,
        "basis?": text, "end?": text,
    },
    strict=False,
)  # fmt: skip

_key = members({"kty": text, "crv?": text, "x?": text, "kid?": text}, strict=False)

_WORD = re.compile("[A-Za-z0-9_-]*")


def decode_base64url(word: str) -> Optional[bytes]:
    """base64url without padding and without unused bits, or None."""
    if _WORD.fullmatch(word) is None:
        return None
    try:
        data = base64.urlsafe_b64decode(word + "=" * (-len(word) % 4))
    except (binascii.Error, ValueError):
        return None
    return data if base64.urlsafe_b64encode(data).decode().rstrip("=") == word else None


def read_keys(document: Any) -> Dict[str, bytes]:
    """The Ed25519 keys of a JWKS by their id. Raises Malformed."""
    found: Dict[str, bytes] = {}
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list) or len(document["keys"]) > 64:
        raise Malformed(("keys",))
    for key in [_key(each) for each in document["keys"]]:
        if key["kty"] == "OKP" and key.get("crv") == "Ed25519" and "kid" in key:
            public = decode_base64url(key.get("x", ""))
            if public is not None and len(public) == 32:
                found[key["kid"]] = public
    return found


def read_receipt(token: str, keys: Dict[str, bytes]) -> Tuple[Optional[Dict[str, Any]], str]:
    """The claims of a receipt, or None and why it is refused. The token chooses neither algorithm nor key source (RFC 8725 §3.1)."""
    parts = token.split(".")
    decoded = [part for part in (decode_base64url(each) for each in parts[:3]) if part is not None]
    header = _object(decoded[0]) if len(parts) == 3 and len(decoded) == 3 else None
    if header is None or header.get("typ") != "agent-receipt+jwt" or not isinstance(header.get("kid"), str):
        return None, "malformed_receipt"
    key = keys.get(header["kid"])
    if key is None:
        return None, "unknown_key"
    is_signed = header.get("alg") in ("EdDSA", "Ed25519") and "crit" not in header
    if not is_signed or not ed25519.verify(key, f"{parts[0]}.{parts[1]}".encode(), decoded[2]):
        return None, "wrong_signer"
    try:
        return _claims(_object(decoded[1])), ""
    except Malformed:
        return None, "malformed_receipt"


def _object(data: bytes) -> Optional[Dict[str, Any]]:
    try:
        value = parse_strict_json(data)
    except NotJson:
        return None
    return value if isinstance(value, dict) else None


class _Open:
    """A receipt. `charged`: the last entry about its call that states another charge; a later one may correct it."""

    def __init__(self, claims: Dict[str, Any], place: Place) -> None:
        self.claims, self.place = claims, place
        self.is_found = False
        self.charged: Optional[Seen] = None


class Receipts:
    """Reads all receipts first; then compares the entries about their calls."""

    def __init__(self, path: Optional[str], keys: Optional[Dict[str, bytes]], keys_path: str) -> None:
        self.tally = Tally("receipts")
        self.is_given = path is not None
        self._by_call: Dict[str, List[_Open]] = {}
        self._written: Dict[str, int] = {}
        if path is None:
            return
        if keys is None:
            self.tally.break_with(Place(keys_path, 1), "malformed_keys")
            return
        broken = 0
        for line in lines_of(path, MAX_RECEIPT):
            place = Place(path, line.number)
            if line.fault is not None:
                self.tally.break_with(place, line.fault)
                return
            data = line.data[:-1] if line.data.endswith(b"\r") else line.data
            claims, reason = read_receipt(data.decode("ascii", "replace"), keys)
            if claims is not None:
                self._by_call.setdefault(claims["call"], []).append(_Open(claims, place))
            elif reason == "unknown_key":
                self.tally.skip("jwks.json lacks the key of some receipts; give --keys")
            else:
                self.tally.break_with(place, reason)
                broken += 1
                if broken == MAX_BROKEN_LINES:
                    return

    def see(self, seen: Seen) -> None:
        entry = seen.entry
        self._written[entry["account"]] = entry["at"]
        for each in self._by_call.get(entry.get("call", ""), []):
            claims = each.claims
            if claims["entry"] == seen.hash:
                each.is_found = True
                self._compare(seen, [("account", entry["account"], claims["agent"]), ("policy", entry.get("policy"), claims["policy"])])
                if entry["at"] > claims["iat"]:
                    self.tally.break_at(seen, "later_than_receipt", "at")
            if entry["account"] != claims["agent"]:
                continue
            self._compare(seen, _stated(entry, claims))
            charged = member(entry, "amounts", "charged")
            if charged == claims["charged"]:
                each.charged = None
            elif charged is not None and entry["type"] == "call.finished":
                each.charged = seen

    def _compare(self, seen: Seen, statements: List[Tuple[str, Any, Any]]) -> None:
        """Records the first field that both state, and state differently."""
        for field, own, theirs in statements:
            if own is not None and theirs is not None and own != theirs:
                return self.tally.break_at(seen, "differs_from_receipt", field)
        return None

    def end(self, accounts: Container[str]) -> Dict[str, Any]:
        if not self.is_given:
            return self.tally.absent("give --receipts FILE, one receipt a line")
        for each in [one for all_of in self._by_call.values() for one in all_of]:
            agent = each.claims["agent"]
            until = self._written.get(agent)
            if each.charged is not None:
                self.tally.break_at(each.charged, "differs_from_receipt", "amounts.charged")
            elif each.is_found:
                self.tally.prove()
            elif until is None or agent not in accounts:
                self.tally.skip(f"the chain of {agent}, which has receipts, is missing")
            elif until <= each.claims["iat"]:
                self.tally.skip("some receipts are newer than the entries; export the accounts again")
            else:
                self.tally.break_with(each.place, "entry_missing", agent)
        return self.tally.finding()


def _stated(entry: Dict[str, Any], claims: Dict[str, Any]) -> List[Tuple[str, Any, Any]]:
    """The members that both an entry about the call and its receipt state."""
    is_end, is_start = entry["type"] == "call.finished", entry["type"] == "call.accepted"
    digest, response = member(entry, "outcome", "digest"), claims["response"]
    # The entry of a stream that broke off has the reason of its receipt, unless the tool failed for another one.
    reason, broke_off = member(entry, "outcome", "reason"), claims["end"] if claims.get("end") in ("truncated", "timeout") else None
    return [
        ("tool", entry.get("tool"), claims["tool"]),
        ("request", entry.get("request"), claims["request"]),
        ("binding", entry.get("binding"), claims["binding"]),
        ("payment.asset", member(entry, "payment", "asset") if is_start else None, claims["asset"]),
        ("outcome.status", member(entry, "outcome", "status") if is_end else None, claims["status"]),
        ("outcome.digest", _hash_in(digest) if is_end else None, _hash_in(response)),
        ("outcome.usage", _text_of(entry.get("outcome", {}), "usage") if is_end else None, _text_of(claims, "usage")),
        ("outcome.basis", member(entry, "outcome", "basis") if is_end else None, claims.get("basis")),
        ("outcome.reason", "timeout" if is_end and reason == "timeout" else None, claims.get("end")),
        ("outcome.reason", reason if is_end and reason in ("answered", "truncated") else None, broke_off),
    ]


def _text_of(values: Dict[str, Any], name: str) -> Optional[str]:
    """The hash of a member's text: Python thinks that 1 and True are equal."""
    return canonical_hash(values[name]) if name in values else None


def _hash_in(value: Any) -> Optional[str]:
    return value if isinstance(value, str) and value.startswith("0x") else None
