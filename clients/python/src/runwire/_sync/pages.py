# Made from _async/pages.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any, Generic, TypedDict, TypeVar

from .connection import Connection
from .exchange import Call
from .stream import Stream

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    items: list[T]
    next_cursor: str | None


class Pages(Generic[T]):
    """A list of the server, asked for page by page as it is read: iterated it gives its things, ``pages()`` the pages."""

    def __init__(self, connection: Connection, path: str, query: Mapping[str, Any]) -> None:
        self._connection = connection
        self._path = path
        self._query = query

    def pages(self) -> Stream[Page[T]]:
        return Stream(self._pages())

    def _pages(self) -> Generator[Page[T], None, None]:
        cursor = self._query.get("cursor")
        while True:
            page: Page[T] = self._connection.json(
                Call(self._path, query={**self._query, "cursor": cursor})
            )
            yield page
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def __iter__(self) -> Iterator[T]:
        for page in self._pages():
            for thing in page["items"]:
                yield thing

    def to_list(self, most: int | None = None) -> list[T]:
        """All of them, or the first ``most``."""
        things: list[T] = []
        for page in self._pages():
            things.extend(page["items"])
            if most is not None and len(things) >= most:
                return things[:most]
        return things
