"""The files of an export: a folder, or single logs (docs/audit-format.md, Files). Reads lines one at a time; none is longer than a cap."""

from __future__ import annotations

import gzip
import os
import re
import zlib
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple

from canonical import NotJson, parse_strict_json
from entry import MAX_LINE
from fields import Malformed, positive, split_account

MAX_TEXT = 16 * 1024 * 1024
MAX_TEXT_LINE = 131_072


class Unreadable(Exception):
    """A path that cannot be read, or is no export: the caller gave the wrong one."""


class Line(NamedTuple):
    """Bytes of a line without the line feed. `fault`: why the file cannot be read from here on."""

    number: int
    data: bytes
    fault: Optional[str] = None


def lines_of(path: str, longest: int = MAX_LINE) -> Iterator[Line]:
    """The lines of a file, also of a `.gz`. A line over the cap ends the reading: nothing after it can be trusted to be a line."""
    number = 0
    try:
        with _open(path) as file:
            while True:
                # One more for the line feed, one more to see that the line is too long.
                data = file.readline(longest + 2)
                if data == b"":
                    return
                number += 1
                line = data[:-1] if data.endswith(b"\n") else data
                if len(line) > longest:
                    yield Line(number, b"", "line_too_long")
                    return
                yield Line(number, line)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        yield Line(number + 1, b"", "not_gzip")
    except OSError as fault:
        raise Unreadable(f"{path}: {fault.strerror or fault}") from fault


def line_at(path: str, offset: int) -> bytes:
    """One line of a plain file, without its line feed."""
    with open(path, "rb") as file:
        file.seek(offset)
        return file.readline(MAX_LINE + 2).rstrip(b"\n")


def _open(path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return open(path, "rb")


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
    """The files of a year of the transparency log. The checkpoint may be missing."""

    leaves: str
    checkpoint: Optional[str]


class Export(NamedTuple):
    """What the given paths hold. `folder`: the folder of an export; None for single files."""

    folder: Optional[str]
    logs: List[str]
    expected: Dict[str, Tuple[int, int]]
    """The accounts that the manifest lists, with first and last seq."""

    def optional(self, name: str) -> Optional[str]:
        """The path of a file of the folder, if it is there."""
        return None if self.folder is None else _file_in(self.folder, name)

    def log_file(self, name: str, folder: Optional[str]) -> Optional[str]:
        """A file of the transparency log: of the folder that was named for it, or of the export."""
        return self.optional(name) if folder is None else _file_in(folder, name)

    def years(self, folder: Optional[str]) -> List[YearFiles]:
        """The logs of the years, the oldest first: of the folder that was named for them, or of the export."""
        log = os.path.join(folder or self.folder or "", "log")
        if (folder or self.folder) is None or not os.path.isdir(log):
            return []
        names = sorted(name for name in os.listdir(log) if re.fullmatch("[0-9]{4}", name))
        return [YearFiles(os.path.join(log, name, "leaves.ndjson"), _file_in(os.path.join(log, name), "checkpoint")) for name in names]


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
            raise Unreadable(f"{path} is no file")
    folder = folders[0] if folders else None
    return Export(folder, logs, {} if folder is None else _manifest(os.path.join(folder, "manifest.json")))


def _manifest(path: str) -> Dict[str, Tuple[int, int]]:
    try:
        manifest = read_json(path)
        if type(manifest["v"]) is not int or manifest["v"] != 1:
            raise TypeError("v must be 1")
        found = {}
        for each in manifest["accounts"]:
            split_account(each["account"])
            found[each["account"]] = (positive(each["first"]), positive(each["last"]))
        return found
    except (KeyError, TypeError, Malformed) as fault:
        raise Unreadable(f"{path} is not the manifest of an export") from fault
