"""Archives to send."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from .body import Body, Bytes, Joined, Source, body_of

BLOCK = 512


@dataclass(frozen=True)
class TarEntry:
    """A file, a directory (``directory=True``) or a link (``target``) that goes into an archive."""

    path: str
    """Relative, with slashes."""
    body: Source = b""
    directory: bool = False
    target: str | None = None
    mode: int | None = None
    """Permission bits. Default: 0o644, of a directory 0o755."""
    modified_at: datetime | None = None
    """Default: now."""

    @property
    def is_file(self) -> bool:
        return not self.directory and self.target is None


def tar_of(entries: Iterable[TarEntry]) -> Body:
    """A tar of these (POSIX pax), as bytes that are read when they are sent: files stay where they are until then."""
    bodies: list[Body] = []
    for entry in entries:
        body = body_of(entry.body) if entry.is_file else Bytes(b"")
        kind = "0" if entry.is_file else "5" if entry.directory else "2"
        more = b"".join(
            [
                b"" if _fits(entry.path, 100) else _record("path", entry.path),
                b""
                if entry.target is None or _fits(entry.target, 100)
                else _record("linkpath", entry.target),
                b"" if body.size < 8**11 else _record("size", str(body.size)),
            ]
        )
        if more:
            bodies.extend([Bytes(_head(TarEntry("pax"), "x", len(more))), Bytes(_padded(more))])
        bodies.extend([Bytes(_head(entry, kind, body.size)), body, Bytes(bytes(-body.size % BLOCK))])
    bodies.append(Bytes(bytes(2 * BLOCK)))
    return Joined(bodies)


def _head(entry: TarEntry, kind: str, size: int) -> bytes:
    mode = entry.mode if entry.mode is not None else 0o755 if kind == "5" else 0o644
    at = time.time() if entry.modified_at is None else entry.modified_at.timestamp()
    block = bytearray(BLOCK)

    def put(place: int, words: str, most: int) -> None:
        said = words.encode("utf-8", "surrogateescape")[:most]
        block[place : place + len(said)] = said

    put(0, entry.path, 100)
    put(100, _octal(mode & 0o7777, 7), 7)
    put(108, _octal(0, 7), 7)
    put(116, _octal(0, 7), 7)
    put(124, _octal(size if size < 8**11 else 0, 11), 11)
    put(136, _octal(max(0, int(at)), 11), 11)
    put(148, " " * 8, 8)
    put(156, kind, 1)
    put(157, entry.target or "", 100)
    put(257, "ustar\x0000", 8)
    put(148, f"{_octal(sum(block), 6)}\0 ", 8)
    return bytes(block)


def _octal(value: int, digits: int) -> str:
    return f"{value:0{digits}o}"[-digits:]


def _record(name: str, value: str) -> bytes:
    """A record of pax: its length counts its own digits."""
    rest = f" {name}={value}\n".encode("utf-8", "surrogateescape")
    length = len(rest) + len(str(len(rest)))
    if len(rest) + len(str(length)) != length:
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def _fits(words: str, most: int) -> bool:
    return len(words) <= most and re.fullmatch(r"[\x20-\x7e]*", words) is not None
