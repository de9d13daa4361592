from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from ..tar_head import BLOCK, EntryType, Head, More, broken, head_of, more_of
from .stream import AsyncStream


@dataclass(frozen=True)
class AsyncUntarredEntry:
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
    body: AsyncIterator[bytes]

    async def read(self) -> bytes:
        return b"".join([part async for part in self.body])


async def untarred(parts: AsyncStream[bytes]) -> AsyncGenerator[AsyncUntarredEntry, None]:
    """What is in a tar (POSIX pax, and long names of GNU). Raises ProtocolError where it breaks off, or has something else in it."""
    async with parts:
        pieces = _Pieces(parts)
        more = More()
        while any(block := await pieces.take(BLOCK)):
            before = more_of(block)
            if before is not None:
                kind, size = before
                more.take(kind, (await pieces.take(size + -size % BLOCK))[:size])
                continue
            head = head_of(block, more)
            more = More()
            body = pieces.next(head.size)
            yield _entry(head, body)
            async for _ in body:
                pass  # what was not read
            await pieces.take(-head.size % BLOCK)
        async for _ in parts:
            pass  # to the end, so that it is proved


def _entry(head: Head, body: AsyncIterator[bytes]) -> AsyncUntarredEntry:
    return AsyncUntarredEntry(head.path, head.type, head.size, head.mode, head.modified_at, head.target, body)


class _Pieces:
    """Bytes that are taken in other pieces than they come in."""

    def __init__(self, parts: AsyncStream[bytes]) -> None:
        self._parts = parts
        self._held = b""

    async def take(self, count: int) -> bytes:
        return b"".join([part async for part in self.next(count)])

    def next(self, count: int) -> AsyncIterator[bytes]:
        return _Body(self, count)

    async def some(self, most: int) -> bytes:
        while not self._held:
            part = await anext(self._parts, None)
            if part is None:
                raise broken("breaks off")
            self._held = part
        some, self._held = self._held[:most], self._held[most:]
        return some


class _Body:
    def __init__(self, pieces: _Pieces, left: int) -> None:
        self._pieces = pieces
        self._left = left

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._left == 0:
            raise StopAsyncIteration
        part = await self._pieces.some(self._left)
        self._left -= len(part)
        return part
