from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from ..condition import conditions_of, is_free
from ..documents import SnapshotInput, SnapshotRecord, Unpacked, WorkspaceRecord
from ..errors import ConflictError, IntegrityError, RunwireError
from ..new_id import new_id
from ..openapi import Diff
from ..patience import Deadline
from ..paths import exactly, file_path, segment
from ..tar import TarEntry, tar_of
from .connection import AsyncConnection
from .download import AsyncDownload
from .exchange import Call
from .pages import AsyncPages
from .sending import AsyncPayload, Sending
from .snapshot import PATCH, AsyncSnapshot, whole_diff
from .stream import AsyncStream
from .tree import AsyncTree
from .untar import AsyncUntarredEntry

WAIT_SECONDS = 30.0
"""One look at it lasts so long."""
BYTES = {"content-type": "application/octet-stream"}


class AsyncWorkspace(AsyncTree):
    """A directory of the server that outlives runs. ``options.workspace`` of an invocation names it."""

    def __init__(self, connection: AsyncConnection, id: str, record: WorkspaceRecord | None = None) -> None:
        super().__init__(connection, f"/workspaces/{segment(id)}")
        self.id = id
        self.record = record
        """As it was told last."""

    async def refresh(self) -> WorkspaceRecord:
        record: WorkspaceRecord = await self._connection.json(Call(self._path))
        self.record = record
        return record

    async def ready(self, *, timeout: float | None = None) -> WorkspaceRecord:
        """
        When it has been filled. Raises ConflictError ``workspace_failed``, and why, where that cannot be, and TimeoutError after
        ``timeout`` seconds.
        """
        deadline = Deadline(timeout)
        while self.record is None or self.record["state"] == "filling":
            self.record = await self._connection.look(self._path, WAIT_SECONDS, deadline)
            if self.record["state"] == "filling":
                deadline.check()
        if self.record["state"] == "failed":
            why = self.record.get("reason") or "it could not be filled"
            raise ConflictError(why, code="workspace_failed")
        return self.record

    async def put(
        self,
        path: str,
        payload: AsyncPayload,
        *,
        mode: str | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
        check: bool = True,
    ) -> str:
        """
        Puts a file there, or in the place of another; gives its ETag. Who reads it has the old or the new. ``mode``: permission bits
        in octal, ``0755``. ``check``: compare the hash of what the server has with that of what was sent. What has a condition is not
        sent again where its fate is not known.
        """
        sending = Sending(payload, hashed=check)
        call = Call(
            file_path(self._path, path),
            method="PUT",
            query={"mode": mode},
            headers={**BYTES, **conditions_of(if_match, if_none_match)},
            body=sending,
            repeatable=is_free(if_match, if_none_match),
        )
        etag: str = (await self._connection.ask(call)).headers.get("etag", "")
        if check:
            await self._expect(path, sending.sha256, etag)
        return etag

    async def delete(
        self,
        path: str,
        *,
        recursive: bool | None = None,
        if_match: str | None = None,
        if_none_match: str | None = None,
    ) -> None:
        """A directory only with ``recursive``."""
        call = Call(
            file_path(self._path, path),
            method="DELETE",
            query={"recursive": recursive},
            headers=conditions_of(if_match, if_none_match),
            repeatable=is_free(if_match, if_none_match),
        )
        await self._connection.ask(call)

    async def unpack(self, archive: AsyncPayload, *, path: str | None = None) -> Unpacked:
        """Unpacks a tar, a tar in gzip or a zip, below ``path`` if that is given."""
        call = Call(
            f"{self._path}/files",
            method="POST",
            query={"path": path},
            headers=BYTES,
            body=Sending(archive),
            repeatable=True,
        )
        came: Unpacked = await self._connection.json(call)
        return came

    async def push(self, entries: Iterable[TarEntry], *, path: str | None = None) -> Unpacked:
        """Puts files, directories and links there together. What has their names is replaced, all else stays."""
        given = list(entries)
        came = await self.unpack(tar_of(given), path=path)
        sent = sum(entry.is_file for entry in given)
        if came["files"] != sent:
            raise IntegrityError(f"{came['files']} files came of {sent}", code="length_mismatch")
        return came

    def pull(self, *, glob: str | None = None) -> AsyncStream[AsyncUntarredEntry]:
        """What is in it, one after the other, each with its bytes."""
        return self.archive(glob=glob, format="tar").untarred()

    async def snapshot(
        self, input: SnapshotInput | None = None, *, while_running: bool | None = None
    ) -> AsyncSnapshot:
        given: SnapshotInput = input or {}
        id = given.get("snapshot_id") or new_id()
        call = Call(
            f"{self._path}/snapshots",
            method="POST",
            query={"while_running": while_running},
            repeatable=True,
        )
        record: SnapshotRecord = await self._connection.send(call, {**given, "snapshot_id": id})
        return AsyncSnapshot(self._connection, id, record)

    def snapshots(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[SnapshotRecord]:
        query = {"limit": limit, "cursor": cursor}
        return AsyncPages(self._connection, f"{self._path}/snapshots", query)

    async def diff(self, since: str, *, patch: bool | None = None) -> Diff:
        """What has changed since a snapshot; with ``patch`` a patch of each file."""
        query = {"from": since, "patch": patch}
        return await whole_diff(self._connection, f"{self._path}/diff", query)

    def patch(self, since: str) -> AsyncDownload:
        """The same as a patch that ``git apply`` takes."""
        return AsyncDownload(self._connection, f"{self._path}/diff", query={"from": since}, headers=PATCH)

    async def restore(
        self, snapshot: str, *, mode: Literal["exact", "overlay"] | None = None
    ) -> WorkspaceRecord:
        """Back to a snapshot. ``overlay`` leaves what is not in it."""
        document = {"snapshot_id": snapshot, **({} if mode is None else {"mode": mode})}
        call = Call(f"{self._path}/restore", method="POST")
        record: WorkspaceRecord = await self._connection.send(call, document)
        self.record = record
        return record

    async def reset(self) -> WorkspaceRecord:
        """Back to what it was made from."""
        record: WorkspaceRecord = await self._connection.json(Call(f"{self._path}/reset", method="POST"))
        self.record = record
        return record

    async def remove(self, *, cancel: bool | None = None) -> None:
        """``cancel``: its unfinished runs are cancelled first."""
        await self._connection.ask(Call(self._path, method="DELETE", query={"cancel": cancel}))

    async def _expect(self, path: str, sent: str, etag: str) -> None:
        entries = await self.files(glob=exactly(path), hash=True).to_list(1)
        if entries and entries[0].get("sha256") == sent:
            return
        try:
            now = (await self.file(path).head()).etag
        except RunwireError:
            return
        if now == etag:  # else somebody changed it since
            raise IntegrityError(f"{path} is not on the server what was sent", code="hash_mismatch")
