# Made from _async/sending.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterable
from contextlib import closing, closing
from typing import Protocol, TypeAlias, cast

from ..body import PART, Body, Source, body_of
from ..errors import RunwireError, unreadable
from .machine import in_thread, is_awaited, next_part


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


Payload: TypeAlias = "Source | Readable | Iterable[bytes] | Iterable[bytes]"
"""Bytes to send. What is iterated, or read as an open file is, can be sent once only."""


class Sending:
    """A payload on its way, and the hash of what was sent in the last pass over it."""

    def __init__(self, payload: Payload, *, hashed: bool = False) -> None:
        self._body: Body | None = None
        self._once: Readable | Iterable[bytes] | Iterable[bytes] | None = None
        if _is_once(payload):
            self._once = cast("Readable | Iterable[bytes] | Iterable[bytes]", payload)
        else:
            self._body = body_of(cast(Source, payload))
        self._hashed = hashed
        self._hash = hashlib.sha256()
        self.failure: BaseException | None = None
        """Why the source failed, if it did."""

    @property
    def repeatable(self) -> bool:
        return self._body is not None

    @property
    def size(self) -> int | None:
        return None if self._body is None else self._body.size

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def parts(self) -> Generator[bytes, None, None]:
        """Raises SourceError where the source fails."""
        self._hash = hashlib.sha256()
        try:
            with closing(self._given()) as given:
                for part in given:
                    if not isinstance(part, bytes):
                        raise TypeError(f"a part to send is {type(part).__name__}, and not bytes")
                    if self._hashed:
                        self._hash.update(part)
                    if part:
                        yield part
        except RunwireError as error:
            self.failure = error.__cause__
            raise
        except Exception as error:
            self.failure = error
            raise unreadable() from error

    def _given(self) -> Generator[bytes, None, None]:
        if self._body is not None:
            waits = self._body.waits
            with closing(self._body.parts()) as parts:
                while (part := next_part(parts) if waits else next(parts, None)) is not None:
                    yield part
        elif is_awaited(self._once):
            for part in cast("Iterable[bytes]", self._once):
                yield part
        elif hasattr(self._once, "read"):
            file = cast(Readable, self._once)
            while part := in_thread(lambda: file.read(PART)):
                yield part
        else:
            for part in cast("Iterable[bytes]", self._once):
                yield part


def _is_once(payload: Payload) -> bool:
    """Iterators of parts are no bodies, though bytes and bodies may be iterated too."""
    if isinstance(payload, (str, bytes, bytearray, memoryview)) or hasattr(payload, "__fspath__"):
        return False
    return any(hasattr(payload, name) for name in ("__iter__", "__iter__", "read"))
