"""What stands before each thing in an archive."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from .errors import ProtocolError, unexpected

BLOCK = 512
EntryType = Literal["file", "directory", "link"]
TYPES: dict[int, EntryType] = {ord("0"): "file", 0: "file", ord("5"): "directory", ord("2"): "link"}
LARGEST_MORE = 1 << 20
"""Names and records that come before a head; more than a server makes of its longest paths."""


@dataclass(frozen=True)
class Head:
    path: str
    """Relative, with slashes, none at its end."""
    type: EntryType
    size: int
    mode: int
    modified_at: datetime
    target: str | None


@dataclass
class More:
    """What the blocks before a head say of it: of POSIX pax, and long names of GNU."""

    said: dict[str, str] = field(default_factory=dict)

    def take(self, kind: str, content: bytes) -> None:
        if kind == "x":
            self.said.update(_records_of(content))
        elif kind == "L":
            self.said["path"] = _text(content)
        elif kind == "K":
            self.said["linkpath"] = _text(content)


def more_of(block: bytes) -> tuple[str, int] | None:
    """Kind and size, where the block is before more of a head."""
    kind = chr(block[156])
    if kind not in "xLKg":
        return None
    size = _number(block[124:136])
    if size > LARGEST_MORE:
        raise broken("has a name that is too long")
    return kind, size


def head_of(block: bytes, more: More) -> Head:
    kind = TYPES.get(block[156])
    if kind is None:
        raise broken(f"has an entry of the type {chr(block[156])!r}")
    said = more.said
    prefix = _text(block[345:500]) if block[257:262] == b"ustar" and block[262:263] == b"\0" else ""
    path = said.get("path") or (f"{prefix}/" if prefix else "") + _text(block[:100])
    target = (said.get("linkpath") or _text(block[157:257])) if kind == "link" else None
    try:
        size = int(said.get("size") or _number(block[124:136]))
        modified_at = datetime.fromtimestamp(float(said.get("mtime") or _number(block[136:148])), UTC)
    except (ValueError, OverflowError) as error:
        raise broken("has a head that is none") from error
    if size < 0:
        raise broken("has a head that is none")
    return Head(path.rstrip("/"), kind, size, _number(block[100:108]) & 0o7777, modified_at, target)


def _text(content: bytes) -> str:
    return content.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")


def _number(content: bytes) -> int:
    """Octal, or of GNU the bytes of a large number."""
    if content[0] & 0x80:
        return int.from_bytes(content[1:], "big")
    try:
        return int(content.split(b"\0", 1)[0].strip() or b"0", 8)
    except ValueError as error:
        raise broken("has a head that is none") from error


def _records_of(content: bytes) -> dict[str, str]:
    records: dict[str, str] = {}
    at = 0
    while at < len(content):
        space = content.find(b" ", at)
        digits = content[at:space]
        if space == -1 or not digits.isdigit() or int(digits) <= space - at:
            raise broken("has a record that is none")
        length = int(digits)
        name, _, value = content[space + 1 : at + length - 1].partition(b"=")
        records[name.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        at += length
    return records


def broken(words: str) -> ProtocolError:
    return unexpected(f"the archive {words}")
