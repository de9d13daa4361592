"""What waits, in the words of asyncio. Its twin in ``_sync`` is written by hand: these two files are all that differs."""

from __future__ import annotations

import asyncio
import threading
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


# Where all threads are taken, one that has not begun is not waited for.
async def in_thread(act: Callable[[], T]) -> T:
    turn = threading.Lock()
    left = False
    began = False

    def acted() -> T:
        nonlocal began
        with turn:
            if left:
                raise LookupError("nobody waits for it any more")
            began = True
        return act()

    task = asyncio.ensure_future(asyncio.to_thread(acted))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with turn:
            left = True
        task.add_done_callback(lambda task: task.exception())  # nobody asks for it
        while began and not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        raise
