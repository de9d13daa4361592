from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any, Generic, TypedDict, TypeVar

from .connection import AsyncConnection
from .exchange import Call
from .stream import AsyncStream

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    items: list[T]
    next_cursor: str | None


class AsyncPages(Generic[T]):
    """A list of the server, asked for page by page as it is read: iterated it gives its things, ``pages()`` the pages."""

    def __init__(self, connection: AsyncConnection, path: str, query: Mapping[str, Any]) -> None:
        self._connection = connection
        self._path = path
        self._query = query

    def pages(self) -> AsyncStream[Page[T]]:
        return AsyncStream(self._pages())

    async def _pages(self) -> AsyncGenerator[Page[T], None]:
        cursor = self._query.get("cursor")
        while True:
            page: Page[T] = await self._connection.json(
                Call(self._path, query={**self._query, "cursor": cursor})
            )
            yield page
            cursor = page["next_cursor"]
            if cursor is None:
                return

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self._pages():
            for thing in page["items"]:
                yield thing

    async def to_list(self, most: int | None = None) -> list[T]:
        """All of them, or the first ``most``."""
        things: list[T] = []
        async for page in self._pages():
            things.extend(page["items"])
            if most is not None and len(things) >= most:
                return things[:most]
        return things
