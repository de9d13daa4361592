# Made from _async/snapshot.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..documents import SnapshotRecord
from ..openapi import Diff
from ..paths import segment
from .connection import Connection
from .download import Download
from .exchange import Call
from .tree import Tree

PATCH = {"accept": "text/x-diff"}


class Snapshot(Tree):
    """What was in a workspace at one moment."""

    def __init__(self, connection: Connection, id: str, record: SnapshotRecord | None = None) -> None:
        super().__init__(connection, f"/snapshots/{segment(id)}")
        self.id = id
        self.record = record
        """As it was told; it does not change. None: it was not asked for."""

    def refresh(self) -> SnapshotRecord:
        record: SnapshotRecord = self._connection.json(Call(self._path))
        self.record = record
        return record

    def diff(self, other: str, *, patch: bool | None = None) -> Diff:
        """What is otherwise in another, which is the newer one; with ``patch`` a patch of each file."""
        return whole_diff(self._connection, self._diff_path(other), {"patch": patch})

    def patch(self, other: str) -> Download:
        """The same as a patch that ``git apply`` takes."""
        return Download(self._connection, self._diff_path(other), headers=PATCH)

    def remove(self) -> None:
        self._connection.ask(Call(self._path, method="DELETE"))

    def _diff_path(self, other: str) -> str:
        return f"{self._path}/diff/{segment(other)}"


def whole_diff(connection: Connection, path: str, query: Mapping[str, Any]) -> Diff:
    """All pages of a diff in one."""
    files: list[Any] = []
    cursor: str | None = None
    while True:
        page = connection.json(Call(path, query={**query, "cursor": cursor}))
        files.extend(page["files"])
        cursor = page["next_cursor"]
        if cursor is None:
            return cast(Diff, {**page, "files": files})
