# Made from _async/untar.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime

from ..tar_head import BLOCK, EntryType, Head, More, broken, head_of, more_of
from .stream import Stream


@dataclass(frozen=True)
class UntarredEntry:
    """Something in an archive, in its order. Its bytes are there until the next is asked for; iterated again, what is left of them."""

    path: str
    """Relative, with slashes, none at its end."""
    type: EntryType
    size: int
    mode: int
    """Permission bits."""
    modified_at: datetime
    target: str | None
    """Of a link: what it says."""
    body: Iterator[bytes]

    def read(self) -> bytes:
        return b"".join([part for part in self.body])


def untarred(parts: Stream[bytes]) -> Generator[UntarredEntry, None, None]:
    """What is in a tar (POSIX pax, and long names of GNU). Raises ProtocolError where it breaks off, or has something else in it."""
    with parts:
        pieces = _Pieces(parts)
        more = More()
        while any(block := pieces.take(BLOCK)):
            before = more_of(block)
            if before is not None:
                kind, size = before
                more.take(kind, (pieces.take(size + -size % BLOCK))[:size])
                continue
            head = head_of(block, more)
            more = More()
            body = pieces.next(head.size)
            yield _entry(head, body)
            for _ in body:
                pass  # what was not read
            pieces.take(-head.size % BLOCK)
        for _ in parts:
            pass  # to the end, so that it is proved


def _entry(head: Head, body: Iterator[bytes]) -> UntarredEntry:
    return UntarredEntry(head.path, head.type, head.size, head.mode, head.modified_at, head.target, body)


class _Pieces:
    """Bytes that are taken in other pieces than they come in."""

    def __init__(self, parts: Stream[bytes]) -> None:
        self._parts = parts
        self._held = b""

    def take(self, count: int) -> bytes:
        return b"".join([part for part in self.next(count)])

    def next(self, count: int) -> Iterator[bytes]:
        return _Body(self, count)

    def some(self, most: int) -> bytes:
        while not self._held:
            part = next(self._parts, None)
            if part is None:
                raise broken("breaks off")
            self._held = part
        some, self._held = self._held[:most], self._held[most:]
        return some


class _Body:
    def __init__(self, pieces: _Pieces, left: int) -> None:
        self._pieces = pieces
        self._left = left

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._left == 0:
            raise StopIteration
        part = self._pieces.some(self._left)
        self._left -= len(part)
        return part
