# Made from _async/stream.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Generator
from types import TracebackType
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Stream(Generic[T]):
    """
    What comes from the server while it is iterated. Closed where it ends, or where its ``with`` does: nothing stays open.
    One that failed, or was broken off while it was waited for, fails again: that is not taken for its end.
    """

    def __init__(self, source: Generator[T, None, None]) -> None:
        self._source = source
        self._failure: Exception | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._failure is not None:
            raise self._failure
        try:
            return self._source.__next__()
        except StopIteration:
            raise
        except BaseException as error:
            words = "it was broken off: begin another after what was read"
            self._failure = error if isinstance(error, Exception) else RuntimeError(words)
            raise

    def close(self) -> None:
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
