"""Reads and sends what is far larger than what it may hold: prints what memory grew by, in MiB."""

from __future__ import annotations

import asyncio
import resource
import sys
from pathlib import Path

from runwire import AsyncRunwire, Runwire


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


def plain(url: str, file: Path) -> tuple[int, int]:
    with Runwire(url) as rw:
        run = rw.attach("a")
        count = sum(len(part) for part in run.output(follow=False))
        for part in run.artifact("x"):
            count += len(part)
        run.artifact("x").save(file.with_name("saved"))
        rw.workspaces.attach("w").put("f", file, check=False)
        rw.workspaces.attach("w").put("f", (bytes(1 << 16) for _ in range(1 << 11)), check=False)
        return count, peak()


async def awaited(url: str, file: Path) -> tuple[int, int]:
    async with AsyncRunwire(url) as rw:
        run = rw.attach("a")
        count = 0
        async for part in run.output(follow=False):
            count += len(part)
        async for part in run.artifact("x"):
            count += len(part)
        await run.artifact("x").save(file.with_name("saved"))
        await rw.workspaces.attach("w").put("f", file, check=False)
        await rw.workspaces.attach("w").put("f", (bytes(1 << 16) for _ in range(1 << 11)), check=False)
        return count, peak()


def main(side: str, warm: str, url: str, file: Path) -> None:
    act = plain if side == "sync" else lambda url, file: asyncio.run(awaited(url, file))
    act(warm, file.with_name("small"))
    before = peak()
    count, after = act(url, file)
    print(count, after - before)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4]))
