from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..body import Source
from ..documents import SessionRecord, SnapshotRecord, WorkspaceInput, WorkspaceRecord
from ..form import with_files
from ..new_id import new_id
from ..openapi import NewSessionInput
from .connection import AsyncConnection
from .exchange import Call
from .pages import AsyncPages
from .sending import Sending
from .session import AsyncSession
from .snapshot import AsyncSnapshot
from .workspace import AsyncWorkspace

WAIT_SECONDS = 30.0
"""What is made waits so long for what it begins with; ready() waits on."""


class AsyncWorkspaces:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self,
        input: WorkspaceInput | None = None,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
    ) -> AsyncWorkspace:
        """Has an id before it is sent, so that a POST whose answer is lost is sent again."""
        given: WorkspaceInput = input or {}
        id = given.get("workspace_id") or new_id()
        document = {**given, "workspace_id": id}
        record = await _created(self._connection, "/workspaces", "workspace", document, files, archive)
        return AsyncWorkspace(self._connection, id, record)

    def attach(self, id: str) -> AsyncWorkspace:
        """One that is there. Asks nothing of the server."""
        return AsyncWorkspace(self._connection, id)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[WorkspaceRecord]:
        return AsyncPages(self._connection, "/workspaces", {"limit": limit, "cursor": cursor})


class AsyncSnapshots:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    def attach(self, id: str) -> AsyncSnapshot:
        """One that is there. Asks nothing of the server."""
        return AsyncSnapshot(self._connection, id)

    def list(
        self, *, workspace_id: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> AsyncPages[SnapshotRecord]:
        query = {"workspace_id": workspace_id, "limit": limit, "cursor": cursor}
        return AsyncPages(self._connection, "/snapshots", query)


class AsyncSessions:
    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def create(
        self,
        input: NewSessionInput,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
    ) -> AsyncSession:
        """Has an id before it is sent, so that a POST whose answer is lost is sent again. ready() waits for its setup."""
        id = input.get("session_id") or new_id()
        document = {**input, "session_id": id}
        record = await _created(self._connection, "/sessions", "session", document, files, archive)
        return AsyncSession(self._connection, id, record)

    def attach(self, id: str) -> AsyncSession:
        """One that is there. Asks nothing of the server."""
        return AsyncSession(self._connection, id)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> AsyncPages[SessionRecord]:
        """Closed ones too, for a day."""
        return AsyncPages(self._connection, "/sessions", {"limit": limit, "cursor": cursor})


async def _created(
    connection: AsyncConnection,
    path: str,
    part: str,
    document: object,
    files: Mapping[str, Source] | None,
    archive: Source | None,
) -> Any:
    media_type, body = with_files(part, document, files, archive)
    call = Call(
        path,
        method="POST",
        headers={"content-type": media_type},
        body=Sending(body),
        wait_seconds=WAIT_SECONDS,
        repeatable=True,
    )
    return await connection.json(call)
