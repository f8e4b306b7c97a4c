"""The files of an export: a folder, or single logs (docs/audit-format.md, Files). Reads lines one at a time; none is longer than a cap."""

from __future__ import annotations

import os
import re
import zlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

from canonical import NotJson, parse_strict_json
from entry import MAX_LINE
from fields import Malformed, positive, split_account

MAX_TEXT = 16 * 1024 * 1024
MAX_TEXT_LINE = 131_072
CHUNK = 65_536
MAX_BROKEN_LINES = 100
"""A verifier stops reading a file after this many broken lines: two kilobytes of gzip can hold two million of them (CWE-400)."""
MAX_RATIO, FREE_BYTES = 128, 65_536
"""A compressed file expands to at most `MAX_RATIO` times its size plus `FREE_BYTES` (CWE-409)."""


class Unreadable(Exception):
    """A path that cannot be read, or is no export: the caller gave the wrong one."""


class Line(NamedTuple):
    """Bytes of a line without the line feed. `fault`: why the file cannot be read from here on."""

    number: int
    data: bytes
    fault: Optional[str] = None


def lines_of(path: str, longest: int = MAX_LINE) -> Iterator[Line]:
    """The lines of a file, also of a `.gz`. A line over the cap ends the reading: nothing after it can be trusted to be a line."""
    number, rest = 0, b""
    try:
        for chunk in _unpacked(path) if path.endswith(".gz") else _chunks(path):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                number += 1
                if len(line) > longest:
                    yield Line(number, b"", "line_too_long")
                    return
                yield Line(number, line)
            if len(rest) > longest:
                yield Line(number + 1, b"", "line_too_long")
                return
    except _Damaged as fault:
        # Runtimes differ in how much of a damaged stream they return before the error, so the line is always 1.
        yield Line(1, b"", str(fault))
        return
    except OSError as fault:
        raise Unreadable(f"{path}: {fault.strerror or fault}") from fault
    if rest != b"":
        yield Line(number + 1, rest)


class _Damaged(Exception):
    """Why a compressed file cannot be read."""


def _chunks(path: str) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while True:
            data = file.read(CHUNK)
            if data == b"":
                return
            yield data


def _unpacked(path: str) -> Iterator[bytes]:
    """The text of a file that must be exactly one gzip member."""
    most = FREE_BYTES + MAX_RATIO * os.path.getsize(path)
    member, size = zlib.decompressobj(31), 0
    try:
        for packed in _chunks(path):
            while packed != b"":
                data = member.decompress(packed, CHUNK)
                packed = member.unconsumed_tail
                size += len(data)
                if size > most:
                    raise _Damaged("expands")
                yield data
            if member.unused_data != b"":
                break
        yield member.flush()
    except zlib.error as fault:
        raise _Damaged("not_gzip") from fault
    if not member.eof or member.unused_data != b"":
        raise _Damaged("not_gzip")


def line_at(path: str, offset: int) -> bytes:
    """One line of a plain file, without its line feed."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.readline(MAX_LINE + 2).rstrip(b"\n")


def read_bytes(path: str) -> bytes:
    """A small file. Raises Unreadable."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_TEXT + 1)
    except OSError as fault:
        raise Unreadable(f"{path}: {fault.strerror or fault}") from fault
    if len(data) > MAX_TEXT:
        raise Unreadable(f"{path} is over {MAX_TEXT} bytes")
    return data


def read_text(path: str) -> str:
    try:
        return read_bytes(path).decode("utf-8")
    except UnicodeDecodeError as fault:
        raise Unreadable(f"{path} is no UTF-8") from fault


def read_json(path: str) -> Any:
    try:
        return parse_strict_json(read_bytes(path))
    except NotJson as fault:
        raise Unreadable(f"{path} is no JSON ({fault.reason})") from fault


class YearFiles(NamedTuple):
    """The files of a year of the transparency log. The checkpoint may be missing; only an owner's export has heads."""

    leaves: str
    checkpoint: Optional[str]
    heads: Optional[str]


class Export(NamedTuple):
    """What the given paths hold. `folder`: the folder of an export; None for single files."""

    folder: Optional[str]
    logs: List[str]
    expected: List[Tuple[str, int]]
    """The accounts that the manifest lists, with the last seq of each."""

    def optional(self, name: str) -> Optional[str]:
        """The path of a file of the folder, if it is there."""
        return None if self.folder is None else _file_in(self.folder, name)

    def log_file(self, name: str, folder: Optional[str]) -> Optional[str]:
        """A file of the transparency log: in `folder`, or in the export if `folder` is None."""
        return self.optional(name) if folder is None else _file_in(folder, name)

    def years(self, folder: Optional[str]) -> List[YearFiles]:
        """The logs of the years, oldest first: in `folder`, or in the export if `folder` is None."""
        log = os.path.join(folder or self.folder or "", "log")
        if (folder or self.folder) is None or not os.path.isdir(log):
            return []
        found = []
        for name in sorted(name for name in os.listdir(log) if re.fullmatch("[0-9]{4}", name)):
            year = os.path.join(log, name)
            leaves = os.path.join(year, "leaves.ndjson")
            if not os.path.isfile(leaves):
                raise Unreadable(f"{leaves} is no file")
            found.append(YearFiles(leaves, _file_in(year, "checkpoint"), _file_in(year, "heads.ndjson")))
        return found


def _file_in(folder: str, name: str) -> Optional[str]:
    path = os.path.join(folder, name)
    return path if os.path.isfile(path) else None


def open_export(paths: List[str]) -> Export:
    """Finds the logs in a folder, and takes files as given. Raises Unreadable."""
    folders = [path for path in paths if os.path.isdir(path)]
    if len(folders) > 1:
        raise Unreadable("more than one folder was given")
    logs: List[str] = []
    for path in paths:
        if path in folders:
            entries = os.path.join(path, "entries")
            if not os.path.isdir(entries):
                raise Unreadable(f"{path} has no folder entries")
            logs = [os.path.join(entries, n) for n in sorted(os.listdir(entries)) if n.endswith((".ndjson", ".ndjson.gz"))] + logs
        elif os.path.isfile(path):
            logs.append(path)
        else:
            raise Unreadable(f"{path} is no file" if os.path.exists(path) else f"{path} does not exist")
    folder = folders[0] if folders else None
    return Export(folder, logs, [] if folder is None else _manifest(os.path.join(folder, "manifest.json")))


def _manifest(path: str) -> List[Tuple[str, int]]:
    try:
        manifest = read_json(path)
        if type(manifest["v"]) is not int or manifest["v"] != 1:
            raise TypeError("v must be 1")
        if not isinstance(manifest["accounts"], list):
            raise TypeError("accounts must be a list")
        found = []
        for each in manifest["accounts"]:
            split_account(each["account"])
            positive(each["first"])
            found.append((each["account"], positive(each["last"])))
        return found
    except (KeyError, TypeError, Malformed) as fault:
        raise Unreadable(f"{path} is not the manifest of an export") from fault
