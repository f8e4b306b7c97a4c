"""The check `prices`: each price against the terms that the entry names (docs/audit-format.md, The checks: prices)."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import forms
from entry import Seen, member, text_in
from fields import Malformed, split_account
from metered_charges import MeteredCharges
from networks import token_of
from survey import Survey
from tally import Tally

TYPES = ("call.accepted", "call.parked", "call.denied")


class Prices:
    def __init__(self, survey: Survey) -> None:
        self._texts, self._altered = survey.texts, survey.altered
        self.tally = Tally("prices")
        self._read: Dict[str, Optional[Dict[str, Any]]] = {}
        self._charges = MeteredCharges(self.tally, self._terms, self._skip)

    def _terms(self, hashed: str) -> Optional[Dict[str, Any]]:
        """The terms with this hash; None if the text is no terms. Raises KeyError if the files do not have it."""
        if hashed not in self._read:
            text = self._texts[hashed]
            try:
                self._read[hashed] = forms.tool_terms(text)
            except Malformed:
                self._read[hashed] = None
        return self._read[hashed]

    def _skip(self, hashed: str) -> None:
        place = self._altered.get(hashed)
        what = "are not in the files" if place is None else f"were changed: {place.file} line {place.line} has others"
        self.tally.skip(f"the terms {hashed} of a tool {what}")

    def see(self, seen: Seen) -> None:
        self._charges.see(seen)
        if seen.entry["type"] not in TYPES:
            return
        hashed = text_in(seen.entry, "evidence", "terms")
        if hashed is None:
            fault = self._own_tool(seen.entry)
        else:
            try:
                terms = self._terms(hashed)
            except KeyError:
                return self._skip(hashed)
            if terms is None:
                return self.tally.break_at(seen, "wrong_terms", "evidence.terms")
            fault = self._by_terms(seen.entry, terms)
        return self.tally.prove() if fault is None else self.tally.break_at(seen, *fault)

    def _own_tool(self, entry: Dict[str, Any]) -> Optional[Tuple[str, str]]:
        """The gateway's own tools are free, or cost the amount of the payment."""
        if not entry.get("tool", "").startswith("countersign."):
            return "wrong_terms", "evidence.terms"
        value = member(entry, "evidence", "authorization", "value") or "0"
        return None if _price(entry) == value else ("wrong_price", "amounts.price")

    def _by_terms(self, entry: Dict[str, Any], terms: Dict[str, Any]) -> Optional[Tuple[str, str]]:
        if terms["tool"] != entry.get("tool"):
            return "wrong_tool", "tool"
        price, cost = _price(entry), int(terms["price"])
        value = member(entry, "evidence", "authorization", "value")
        if value is not None:
            is_right = price == terms["price"] == value
        elif terms["settlement"] == "free":
            is_right = price == "0"
        else:
            signed = text_in(entry, "evidence", "intent", "maxAmount") or ""
            most = int(signed) if signed.isascii() and signed.isdigit() else 0
            # Usage above the maximum costs the maximum, so an intent may not lower that of a metered tool.
            is_lowered = terms["pricing"] == "upto" and "meter" not in terms
            is_right = price == str(min(cost, most)) and most >= (1 if is_lowered else cost)
        if not is_right:
            return "wrong_price", "amounts.price"
        chain_id = split_account(entry["account"])[0]
        token = token_of(chain_id)
        asset = terms.get("asset") or (None if token is None else f"eip155:{chain_id}/erc20:{token[0]}")
        if member(entry, "payment", "asset") != asset:
            return "wrong_asset", "payment.asset"
        if terms["requireBinding"] == "intent" and entry.get("binding") != "intent":
            return "wrong_binding", "binding"
        return None

    def end(self) -> Dict[str, Any]:
        return self.tally.finding()


def _price(entry: Dict[str, Any]) -> Optional[str]:
    return entry.get("amounts", {}).get("price")
