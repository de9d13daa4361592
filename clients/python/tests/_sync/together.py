"""Several calls at the same time, in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def together(*acts: Callable[[], T]) -> list[T]:
    """They begin in this order."""
    with ThreadPoolExecutor(32) as pool:
        return [future.result() for future in [pool.submit(act) for act in acts]]


def aside(act: Callable[[], T]) -> T:
    return act()
