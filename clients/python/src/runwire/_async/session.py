from __future__ import annotations

from types import TracebackType
from typing import Self, cast

from ..documents import CheckpointInput, SessionRecord
from ..errors import ConflictError, GoneError, RunwireError
from ..new_id import new_id
from ..openapi import Checkpoint, InvocationInput
from ..patience import Deadline
from ..paths import segment
from .connection import AsyncConnection
from .exchange import Call
from .run import AsyncRun
from .submit import submit
from .workspace import AsyncWorkspace

WAIT_SECONDS = 30.0
"""One look at it lasts so long."""


class AsyncSession:
    """An environment that is set up once for many runs. ``async with`` closes it."""

    def __init__(self, connection: AsyncConnection, id: str, record: SessionRecord | None = None) -> None:
        self._connection = connection
        self._path = f"/sessions/{segment(id)}"
        self.id = id
        self.record = record
        """As it was told last."""

    async def refresh(self) -> SessionRecord:
        record: SessionRecord = await self._connection.json(Call(self._path))
        self.record = record
        return record

    async def ready(self, *, timeout: float | None = None) -> SessionRecord:
        """
        When it has been set up. Raises ConflictError ``session_failed``, and why, where that cannot be, and TimeoutError after
        ``timeout`` seconds.
        """
        deadline = Deadline(timeout)
        while self.record is None or self.record["state"] == "preparing":
            self.record = await self._connection.look(self._path, WAIT_SECONDS, deadline)
            if self.record["state"] == "preparing":
                deadline.check()
        reason = self.record.get("reason")
        if self.record["state"] == "failed":
            raise ConflictError(reason or "it could not be set up", code="session_failed")
        if self.record["state"] == "closed":
            raise GoneError(f"it is closed: {reason}", code="session_closed")
        return self.record

    async def submit(self, invocation: InvocationInput) -> AsyncRun:
        """Starts a run in it."""
        options = {**invocation.get("options", {}), "session": self.id}
        document = cast(InvocationInput, {**invocation, "options": options})
        return await submit(self._connection, document, None, None)

    async def workspace(self) -> AsyncWorkspace:
        """The directory of its runs."""
        record = self.record or await self.refresh()
        return AsyncWorkspace(self._connection, record["workspace_id"])

    async def checkpoint(
        self,
        input: CheckpointInput | None = None,
        *,
        while_running: bool | None = None,
        patch: bool | None = None,
    ) -> Checkpoint:
        """A snapshot, and what has changed since the one before."""
        given: CheckpointInput = input or {}
        call = Call(
            f"{self._path}/checkpoint",
            method="POST",
            query={"while_running": while_running, "patch": patch},
            repeatable=True,
        )
        document = {**given, "snapshot_id": given.get("snapshot_id") or new_id()}
        checkpoint: Checkpoint = await self._connection.send(call, document)
        return checkpoint

    async def reset(self) -> SessionRecord:
        """Back to what it was when it was ready, and set up again: ready() waits for that."""
        record: SessionRecord = await self._connection.json(Call(f"{self._path}/reset", method="POST"))
        self.record = record
        return record

    async def remove(self) -> None:
        """Its runs are cancelled, and what it holds ends."""
        await self._connection.ask(Call(self._path, method="DELETE"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.remove()
        except GoneError:
            pass  # it was closed before
        except RunwireError as failure:
            if error is None:
                raise
            error.add_note(f"and {self.id} could not be closed: {failure}")
