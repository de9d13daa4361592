# Made from _async/collections.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..body import Source
from ..documents import SessionRecord, SnapshotRecord, WorkspaceInput, WorkspaceRecord
from ..form import with_files
from ..new_id import new_id
from ..openapi import NewSessionInput
from .connection import Connection
from .exchange import Call
from .pages import Pages
from .sending import Sending
from .session import Session
from .snapshot import Snapshot
from .workspace import Workspace

WAIT_SECONDS = 30.0
"""What is made waits so long for what it begins with; ready() waits on."""


class Workspaces:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        input: WorkspaceInput | None = None,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
    ) -> Workspace:
        """Has an id before it is sent, so that a POST whose answer is lost is sent again."""
        given: WorkspaceInput = input or {}
        id = given.get("workspace_id") or new_id()
        document = {**given, "workspace_id": id}
        record = _created(self._connection, "/workspaces", "workspace", document, files, archive)
        return Workspace(self._connection, id, record)

    def attach(self, id: str) -> Workspace:
        """One that is there. Asks nothing of the server."""
        return Workspace(self._connection, id)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[WorkspaceRecord]:
        return Pages(self._connection, "/workspaces", {"limit": limit, "cursor": cursor})


class Snapshots:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def attach(self, id: str) -> Snapshot:
        """One that is there. Asks nothing of the server."""
        return Snapshot(self._connection, id)

    def list(
        self, *, workspace_id: str | None = None, limit: int | None = None, cursor: str | None = None
    ) -> Pages[SnapshotRecord]:
        query = {"workspace_id": workspace_id, "limit": limit, "cursor": cursor}
        return Pages(self._connection, "/snapshots", query)


class Sessions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def create(
        self,
        input: NewSessionInput,
        *,
        files: Mapping[str, Source] | None = None,
        archive: Source | None = None,
    ) -> Session:
        """Has an id before it is sent, so that a POST whose answer is lost is sent again. ready() waits for its setup."""
        id = input.get("session_id") or new_id()
        document = {**input, "session_id": id}
        record = _created(self._connection, "/sessions", "session", document, files, archive)
        return Session(self._connection, id, record)

    def attach(self, id: str) -> Session:
        """One that is there. Asks nothing of the server."""
        return Session(self._connection, id)

    def list(self, *, limit: int | None = None, cursor: str | None = None) -> Pages[SessionRecord]:
        """Closed ones too, for a day."""
        return Pages(self._connection, "/sessions", {"limit": limit, "cursor": cursor})


def _created(
    connection: Connection,
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
    return connection.json(call)
