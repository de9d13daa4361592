from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..documents import SnapshotRecord
from ..openapi import Diff
from ..paths import segment
from .connection import AsyncConnection
from .download import AsyncDownload
from .exchange import Call
from .tree import AsyncTree

PATCH = {"accept": "text/x-diff"}


class AsyncSnapshot(AsyncTree):
    """What was in a workspace at one moment."""

    def __init__(self, connection: AsyncConnection, id: str, record: SnapshotRecord | None = None) -> None:
        super().__init__(connection, f"/snapshots/{segment(id)}")
        self.id = id
        self.record = record
        """As it was told; it does not change. None: it was not asked for."""

    async def refresh(self) -> SnapshotRecord:
        record: SnapshotRecord = await self._connection.json(Call(self._path))
        self.record = record
        return record

    async def diff(self, other: str, *, patch: bool | None = None) -> Diff:
        """What is otherwise in another, which is the newer one; with ``patch`` a patch of each file."""
        return await whole_diff(self._connection, self._diff_path(other), {"patch": patch})

    def patch(self, other: str) -> AsyncDownload:
        """The same as a patch that ``git apply`` takes."""
        return AsyncDownload(self._connection, self._diff_path(other), headers=PATCH)

    async def remove(self) -> None:
        await self._connection.ask(Call(self._path, method="DELETE"))

    def _diff_path(self, other: str) -> str:
        return f"{self._path}/diff/{segment(other)}"


async def whole_diff(connection: AsyncConnection, path: str, query: Mapping[str, Any]) -> Diff:
    """All pages of a diff in one."""
    files: list[Any] = []
    cursor: str | None = None
    while True:
        page = await connection.json(Call(path, query={**query, "cursor": cursor}))
        files.extend(page["files"])
        cursor = page["next_cursor"]
        if cursor is None:
            return cast(Diff, {**page, "files": files})
