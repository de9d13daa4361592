from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Literal, Self, cast

from ..documents import RunRecord
from ..errors import ConflictError, RunwireError
from ..lines import Line, Lines, Phase, StreamName
from ..openapi import ArtifactDescriptor, FinishedRecord, RuntimeEvent
from ..patience import Deadline
from ..paths import segment
from ..run_failed import RunFailedError
from .connection import AsyncConnection, with_json
from .download import AsyncDownload
from .events import read_events
from .exchange import Call
from .machine import Lock, pause
from .output import Streams, read_output
from .sending import AsyncPayload, Sending
from .stream import AsyncStream
from .tree import AsyncTree

WAIT_SECONDS = 30.0
"""One look at a run lasts so long: a connection that died without a word is noticed after it."""


class AsyncRun(AsyncTree):
    """
    A run of the server, which goes on whatever becomes of this object, unless it is used with ``async with``: that
    cancels what has not finished.
    """

    def __init__(self, connection: AsyncConnection, id: str, record: RunRecord | None = None) -> None:
        super().__init__(connection, f"/invocations/{segment(id)}")
        self.id = id
        self.record = record
        """As it was told last."""
        self._detached = False
        self._stdin = Lock()

    async def refresh(self) -> RunRecord:
        """The record as it is now."""
        record: RunRecord = await self._connection.json(Call(self._path))
        self.record = record
        return record

    async def wait(self, *, check: bool = False, timeout: float | None = None) -> FinishedRecord:
        """
        Its record when it has finished, however it ended; waits through restarts of the server. ``check``: raise RunFailedError
        unless it succeeded. ``timeout``: raise TimeoutError after so many seconds; the run goes on.
        """
        deadline = Deadline(timeout)
        while self.record is None or self.record["result"] is None:
            self.record = await self._connection.look(self._path, WAIT_SECONDS, deadline)
            if self.record["result"] is None:
                deadline.check()
        record = cast(FinishedRecord, self.record)
        if check and record["status"] != "succeeded":
            raise RunFailedError(record)
        return record

    def events(self, *, after: int = 0, follow: bool = True) -> AsyncStream[RuntimeEvent]:
        """
        Its events from the first on, or after the ``seq`` of one that is known already, perhaps to another process, until it has
        finished; without ``follow`` what is there now.
        """
        return AsyncStream(read_events(self._connection, self._path, after, follow))

    def lines(
        self,
        *,
        stream: StreamName | None = None,
        phase: Literal["setup", "command", "both"] = "command",
        most_characters: int = 1 << 20,
        follow: bool = True,
    ) -> AsyncStream[Line]:
        """The lines that it writes, those of each stream for themselves. One of more than ``most_characters`` comes in parts."""
        return AsyncStream(self._lines(Lines(stream, phase, most_characters), follow))

    async def _lines(self, lines: Lines, follow: bool) -> AsyncGenerator[Line, None]:
        async with self.events(follow=follow) as events:
            async for event in events:
                for line in lines.feed(event):
                    yield line

    def output(
        self,
        *,
        stream: Streams = "both",
        phase: Phase = "command",
        offset: int = 0,
        follow: bool = True,
    ) -> AsyncStream[bytes]:
        """
        The bytes that it writes, exact, of one stream or of both in order of arrival; ``offset`` bytes are known already. Until
        it has finished, or without ``follow`` what is there now.
        """
        return AsyncStream(read_output(self._connection, self._path, stream, phase, offset, follow))

    async def text(
        self,
        *,
        stream: Streams = "both",
        phase: Phase = "command",
        offset: int = 0,
        follow: bool = True,
    ) -> str:
        """The same as text, in memory, when it has finished; what is not UTF-8 becomes U+FFFD."""
        async with self.output(stream=stream, phase=phase, offset=offset, follow=follow) as output:
            parts = [part async for part in output]
        return b"".join(parts).decode("utf-8", "replace")

    async def cancel(self, *, grace_seconds: float | None = None) -> RunRecord:
        """Asks it to end. Does nothing to one that has finished."""
        document = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        call = Call(f"{self._path}/cancel", method="POST", repeatable=True)
        record: RunRecord = await self._connection.send(call, document)
        self.record = record
        return record

    async def signal(self, name: str) -> None:
        """Sends a signal to its process group: ``SIGINT``. It is not sent again where its fate is not known."""
        call = Call(f"{self._path}/signals", method="POST")
        await self._connection.ask(with_json(call, {"signal": name}))

    async def write_stdin(self, data: AsyncPayload) -> None:
        """
        Feeds its standard input (``options.stdin_open``), each call after the one before; waits until the run has started. Returns
        when all is taken. ConnectionError ``connection_lost``: how much of it was taken is not known, and nothing is sent twice.
        """
        sending = Sending(data)
        async with self._stdin:
            if sending.repeatable:
                await self._feed(sending)
                return
            async for part in sending.parts():
                await self._feed(Sending(part))

    async def close_stdin(self) -> None:
        """Ends its standard input."""
        async with self._stdin:
            await self._feed(Sending(b""), eof=True)

    async def _feed(self, sending: Sending, eof: bool = False) -> None:
        # A program may take its time to read.
        call = Call(
            f"{self._path}/stdin",
            method="POST",
            query={"eof": True if eof else None},
            headers={"content-type": "application/octet-stream"},
            body=sending,
            wait_seconds=math.inf if not eof else 0,
            repeatable=eof,
        )
        seconds = 0.01
        while True:
            try:
                await self._connection.ask(call)
                return
            except ConflictError as error:
                if error.code != "not_running" or (await self.refresh())["result"] is not None:
                    raise
            await pause(seconds)
            seconds = min(1.0, 2 * seconds)

    def detach(self) -> Self:
        """It goes on when an ``async with`` ends."""
        self._detached = True
        return self

    async def artifacts(self) -> list[ArtifactDescriptor]:
        """What it left behind: stdout and stderr first."""
        answer = await self._connection.json(Call(f"{self._path}/artifacts"))
        return cast(list[ArtifactDescriptor], answer["items"])

    def artifact(self, id: str) -> AsyncDownload:
        """The bytes of one, by its ``artifact_id``."""
        return AsyncDownload(self._connection, f"{self._path}/artifacts/{segment(id)}")

    async def remove(self) -> None:
        """Removes the record and the files of a run that has finished."""
        await self._connection.ask(Call(self._path, method="DELETE"))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._detached or (self.record is not None and self.record["result"] is not None):
            return
        try:
            await self.cancel()
        except RunwireError as failure:
            if error is None:
                raise
            error.add_note(f"and {self.id} could not be cancelled: {failure}")
