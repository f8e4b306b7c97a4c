"""Recomputes every signature of a log: intents, payments, grants, revocations and commands (docs/audit-format.md, Signatures).

This module follows the open payments of each chain in order. The arithmetic runs in other processes: a signature takes 2 to 3 ms.
"""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

import forms
from canonical import sha256_hex
from commands import Commands
from entry import Seen, member
from evidence import EvidenceFault, fail, read_as
from entry_types import NEEDS
from examination import Revealed, examine_all
from fields import members, signature
from tally import Tally

CONTRACT = "contracts vouched for signatures on the chain (ERC-1271); a file cannot prove them"
SEALED = "payments that are open or were released have their signature as a digest only"
OUTSIDE = "payments were accepted before the file begins; export the account from its first entry"

_spent = members({"signature?": signature, "paymentSignature?": signature}, strict=False)


class _Payment(NamedTuple):
    """A payment of the current account. `proof` is None once an entry has revealed the signature."""

    proof: Optional[Dict[str, Any]]
    digest: str
    is_erased: bool
    by_contract: bool


class Signatures:
    """The check `signatures`."""

    BATCH = 100

    def __init__(self, workers: Optional[int] = None) -> None:
        self.tally = Tally("signatures")
        self._workers = workers or os.cpu_count() or 1
        self._pool: Optional[Executor] = None
        self._jobs: List[Tuple[Any, ...]] = []
        self._places: List[Seen] = []
        self._running: Deque[Tuple[Any, List[Seen]]] = deque()
        self._account: Optional[str] = None
        self._payments: Dict[str, _Payment] = {}
        self._is_whole = False
        self._commands = Commands(False)

    def see(self, seen: Seen) -> None:
        entry = seen.entry
        if entry["account"] != self._account:
            self._end_account()
            self._account, self._is_whole = entry["account"], entry["seq"] == 1
            self._commands = Commands(self._is_whole)
        self._commands.note(entry)
        needed = self._need(entry)
        paid, known = None, None
        try:
            paid = self._note_payment(entry, needed)
        except EvidenceFault as fault:
            known = (fault.field, fault.reason)
        if needed == "nothing" and known is None:
            return
        is_command = needed in ("command", "approval") or "order" in entry.get("evidence", {})
        rights = self._commands.fault(entry) if is_command else None
        self._jobs.append((entry, needed, paid, known, rights))
        self._places.append(Seen({"account": entry["account"], "seq": entry["seq"]}, "", seen.place))
        if len(self._jobs) >= self.BATCH:
            self._flush()
            self._collect(4 * self._workers)

    def end(self) -> Dict[str, Any]:
        self._flush(last=True)
        self._collect(0)
        self._end_account()
        self.close()
        return self.tally.finding()

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _need(self, entry: Dict[str, Any]) -> str:
        needed, held = NEEDS[entry["type"]], entry.get("evidence", {})
        # No person signs these entries: the issuer of a card ended the hold of a card call, or a parked call expired.
        is_by_issuer = entry["type"] == "call.resolved" and entry.get("rule") == "card"
        is_expired = entry["type"] == "call.refused" and entry.get("decision") == "expired"
        if is_by_issuer or is_expired:
            return "nothing"
        if needed == "any":
            return "grant" if "delegation" in held else "revocation" if "revocation" in held else "command"
        return needed

    def _note_payment(self, entry: Dict[str, Any], needed: str) -> Optional[Revealed]:
        """Follows the payments of the account. Returns the payment whose signature the entry reveals."""
        call, held = str(entry.get("call", "")), entry.get("evidence")
        known = self._payments.get(call)
        if known is not None and (entry["type"] == "payment.released" or member(entry, "payment", "state") == "released"):
            known = self._payments[call] = known._replace(is_erased=True)
        if needed == "nothing" and held is not None:
            # A signature that this verifier cannot check must not pass unchecked.
            fail("evidence", "unexpected")
        if needed == "proof" and member(held, "proof") == "x402":
            proof = read_as(forms.payment_proof, held)
            by_contract = proof.get("contractCheckedAt") is not None
            self._payments[call] = _Payment(dict(held or {}), proof["signatureDigest"], False, by_contract)
        return self._reveal(entry, call, known) if needed == "reveal" else None

    def _reveal(self, entry: Dict[str, Any], call: str, known: Optional[_Payment]) -> Optional[Revealed]:
        read = read_as(_spent, entry.get("evidence", {}))
        name = "paymentSignature" if "order" in entry.get("evidence", {}) else "signature"
        revealed, field = read.get(name), f"evidence.{name}"
        if known is None:
            if self._is_whole:
                fail("call", "missing")
            self.tally.skip(OUTSIDE)
            return None
        if revealed is None:
            if known.proof is not None and not known.is_erased:
                fail(field, "missing")
            return None
        if sha256_hex(bytes.fromhex(revealed[2:])) != known.digest:
            fail(field, "mismatch")
        if entry["type"] == "payment.settled":
            # No further entry about a settled payment follows: drop it, so that a long log does not fill the memory. A failed payment may
            # still settle.
            del self._payments[call]
        else:
            self._payments[call] = known._replace(proof=None)
        return None if known.proof is None else (known.proof, revealed, field)

    def _end_account(self) -> None:
        sealed = sum(1 for each in self._payments.values() if each.proof is not None and not each.by_contract)
        if sealed:
            self.tally.bound(SEALED, sealed)
        self._payments = {}

    def _flush(self, last: bool = False) -> None:
        if not self._jobs:
            return
        if self._workers == 1 or (last and self._pool is None):
            self._running.append((examine_all(self._jobs), self._places))
        else:
            if self._pool is None:
                # This executor raises if a process is killed; multiprocessing.Pool would wait for that process forever.
                self._pool = ProcessPoolExecutor(self._workers)
            self._running.append((self._pool.submit(examine_all, self._jobs), self._places))
        self._jobs, self._places = [], []

    def _collect(self, keep: int) -> None:
        """Takes finished batches in the order of the files, until `keep` are running. `result` raises what a process raised."""
        while len(self._running) > keep:
            batch, places = self._running.popleft()
            for (proved, chain, fault), seen in zip(batch.result() if isinstance(batch, Future) else batch, places):
                self.tally.prove(proved)
                if chain:
                    self.tally.bound(CONTRACT, chain)
                if fault is not None:
                    self.tally.break_at(seen, fault[1], fault[0])
