from __future__ import annotations

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class AsyncStream(Generic[T]):
    """
    What comes from the server while it is iterated. Closed where it ends, or where its ``async with`` does: nothing stays open.
    One that failed, or was broken off while it was waited for, fails again: that is not taken for its end.
    """

    def __init__(self, source: AsyncGenerator[T, None]) -> None:
        self._source = source
        self._failure: Exception | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        if self._failure is not None:
            raise self._failure
        try:
            return await self._source.__anext__()
        except StopAsyncIteration:
            raise
        except BaseException as error:
            words = "it was broken off: begin another after what was read"
            self._failure = error if isinstance(error, Exception) else RuntimeError(words)
            raise

    async def aclose(self) -> None:
        await self._source.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
