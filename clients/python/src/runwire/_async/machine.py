"""What waits, in the words of asyncio. Its twin in ``_sync`` is written by hand: these two files are all that differs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

Lock = asyncio.Lock


async def pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def next_part(parts: Iterator[T]) -> T | None:
    """The next of what waits for a disk; None after the last. Who is cancelled leaves no thread behind that still reads."""
    return await in_thread(lambda: next(parts, None))


def is_awaited(source: object) -> bool:
    """Its parts are waited for by ``async for``."""
    return hasattr(source, "__aiter__")


async def in_thread(act: Callable[[], T]) -> T:
    task = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        task.exception()  # nobody asks for it any more
        raise
