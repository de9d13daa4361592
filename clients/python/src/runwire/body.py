"""Bytes to send that can be sent again: each pass begins anew."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from .errors import unreadable

PART = 1 << 16

Source: TypeAlias = "str | bytes | bytearray | memoryview | os.PathLike[str] | Body"
"""A str is text to send, in UTF-8; a path is a file, which is read when it is sent."""


class Body(Protocol):
    @property
    def size(self) -> int: ...

    @property
    def waits(self) -> bool:
        """Reading it waits for a disk."""

    def parts(self) -> Generator[bytes, None, None]: ...


class Bytes:
    waits = False

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def parts(self) -> Generator[bytes, None, None]:
        for at in range(0, self.size, PART):
            yield self._data[at : at + PART]


class File:
    """A local file, as it was when this was made. Raises SourceError where it is read and is not the same any more."""

    waits = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        try:
            facts = self._path.stat()
        except OSError as error:
            raise unreadable() from error
        self._facts = _facts(facts)
        self.size = facts.st_size

    def parts(self) -> Generator[bytes, None, None]:
        try:
            with self._path.open("rb") as file:
                left = self.size
                self._expect_same(file.fileno())
                while left > 0:
                    part = file.read(min(PART, left))
                    left -= len(part)
                    # Before the last part: what was sent whole is taken as whole.
                    if left == 0 or not part:
                        self._expect_same(file.fileno())
                    if not part:
                        raise OSError("it ends before its length")
                    yield part
        except OSError as error:
            raise unreadable() from error

    def _expect_same(self, file: int) -> None:
        if _facts(os.fstat(file)) != self._facts:
            raise OSError("the file was changed meanwhile")


class Joined:
    def __init__(self, bodies: Sequence[Body]) -> None:
        self._bodies = bodies
        self.size = sum(body.size for body in bodies)
        self.waits = any(body.waits for body in bodies)

    def parts(self) -> Generator[bytes, None, None]:
        """Small ones together: a part is a write on the wire."""
        held: list[bytes] = []
        length = 0
        for body in self._bodies:
            for part in body.parts():
                held.append(part)
                length += len(part)
                if length >= PART:
                    yield b"".join(held)
                    held, length = [], 0
        if held:
            yield b"".join(held)


def body_of(source: Source) -> Body:
    if isinstance(source, str):
        return Bytes(source.encode())
    if isinstance(source, (bytes, bytearray, memoryview)):
        return Bytes(bytes(source))
    if isinstance(source, os.PathLike):
        return File(source)
    if not hasattr(source, "parts"):
        raise TypeError(f"what is sent here is str, bytes or a path, and not {type(source).__name__}")
    return source


def _facts(stat: os.stat_result) -> tuple[int, int, int, int]:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns
