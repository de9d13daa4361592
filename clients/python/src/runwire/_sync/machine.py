"""What waits, in the words of threads: written by hand, as its twin in ``_async`` is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

Lock = threading.Lock


def pause(seconds: float) -> None:
    time.sleep(min(seconds, threading.TIMEOUT_MAX))


def next_part(parts: Iterator[T]) -> T | None:
    """The next; None after the last."""
    return next(parts, None)


def is_awaited(source: object) -> bool:
    return False


def in_thread(act: Callable[[], T]) -> T:
    return act()
