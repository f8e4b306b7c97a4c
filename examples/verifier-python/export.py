"""The files of an export: a folder, or single logs (docs/audit-format.md, Files). Reads lines one at a time; none is longer than a cap."""

from __future__ import annotations

import gzip
import os
import zlib
from typing import Any, BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Tuple

from canonical import NotJson, parse_strict_json
from entry import MAX_LINE

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


class Export(NamedTuple):
    """What the given paths hold. `folder` is None for single files; `name` is how reports name a file."""

    folder: Optional[str]
    logs: List[str]

    def name(self, path: str) -> str:
        return path if self.folder is None else os.path.relpath(path, self.folder).replace(os.sep, "/")

    def optional(self, name: str) -> Optional[str]:
        """The path of a file of the folder, if it is there."""
        path = None if self.folder is None else os.path.join(self.folder, name)
        return path if path is not None and os.path.isfile(path) else None

    def expected(self) -> Dict[str, Tuple[int, int]]:
        """The accounts that the manifest promises, with their first and last seq."""
        path = self.optional("manifest.json")
        if path is None:
            return {}
        found: Dict[str, Tuple[int, int]] = {}
        try:
            for each in read_json(path)["accounts"]:
                if type(each["first"]) is not int or type(each["last"]) is not int:
                    raise TypeError("first and last must be numbers")
                found[str(each["account"])] = (each["first"], each["last"])
        except (KeyError, TypeError) as fault:
            raise Unreadable(f"{path} is no manifest: {fault!r}") from fault
        return found


def open_export(paths: List[str]) -> Export:
    """Finds the logs in a folder, or takes the files as given. Raises Unreadable."""
    if len(paths) == 1 and os.path.isdir(paths[0]):
        entries = os.path.join(paths[0], "entries")
        if not os.path.isdir(entries):
            raise Unreadable(f"{paths[0]} has no folder `entries`")
        names = sorted(n for n in os.listdir(entries) if n.endswith((".ndjson", ".ndjson.gz")))
        if not names:
            raise Unreadable(f"{entries} has no .ndjson file")
        return Export(paths[0], [os.path.join(entries, name) for name in names])
    for path in paths:
        if not os.path.isfile(path):
            raise Unreadable(f"{path} is no file")
    return Export(None, list(paths))
