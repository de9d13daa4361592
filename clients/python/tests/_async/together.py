"""Several calls at the same time, with asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def together(*acts: Callable[[], Awaitable[T]]) -> list[T]:
    """They begin in this order."""
    places = asyncio.Semaphore(32)

    async def placed(act: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await act()

    return await asyncio.gather(*(placed(act) for act in acts))


async def aside(act: Callable[[], T]) -> T:
    """What would hold the others up."""
    return await asyncio.to_thread(act)
