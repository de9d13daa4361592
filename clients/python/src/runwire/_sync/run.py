# Made from _async/run.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import math
from collections.abc import Generator
from types import TracebackType
from typing import Literal, Self, cast

from ..documents import RunRecord
from ..errors import ConflictError, RunwireError
from ..lines import Line, Lines, Phase, StreamName
from ..openapi import ArtifactDescriptor, FinishedRecord, RuntimeEvent
from ..patience import Deadline
from ..paths import segment
from ..run_failed import RunFailedError
from .connection import Connection, with_json
from .download import Download
from .events import read_events
from .exchange import Call
from .machine import Lock, pause
from .output import Streams, read_output
from .sending import Payload, Sending
from .stream import Stream
from .tree import Tree

WAIT_SECONDS = 30.0
"""One look at a run lasts so long: a connection that died without a word is noticed after it."""


class Run(Tree):
    """
    A run of the server, which goes on whatever becomes of this object, unless it is used with ``with``: that
    cancels what has not finished.
    """

    def __init__(self, connection: Connection, id: str, record: RunRecord | None = None) -> None:
        super().__init__(connection, f"/invocations/{segment(id)}")
        self.id = id
        self.record = record
        """As it was told last."""
        self._detached = False
        self._stdin = Lock()

    def refresh(self) -> RunRecord:
        """The record as it is now."""
        record: RunRecord = self._connection.json(Call(self._path))
        self.record = record
        return record

    def wait(self, *, check: bool = False, timeout: float | None = None) -> FinishedRecord:
        """
        Its record when it has finished, however it ended; waits through restarts of the server. ``check``: raise RunFailedError
        unless it succeeded. ``timeout``: raise TimeoutError after so many seconds; the run goes on.
        """
        deadline = Deadline(timeout)
        while self.record is None or self.record["result"] is None:
            self.record = self._connection.look(self._path, WAIT_SECONDS, deadline)
            if self.record["result"] is None:
                deadline.check()
        record = cast(FinishedRecord, self.record)
        if check and record["status"] != "succeeded":
            raise RunFailedError(record)
        return record

    def events(self, *, after: int = 0, follow: bool = True) -> Stream[RuntimeEvent]:
        """
        Its events from the first on, or after the ``seq`` of one that is known already, perhaps to another process, until it has
        finished; without ``follow`` what is there now.
        """
        return Stream(read_events(self._connection, self._path, after, follow))

    def lines(
        self,
        *,
        stream: StreamName | None = None,
        phase: Literal["setup", "command", "both"] = "command",
        most_characters: int = 1 << 20,
        follow: bool = True,
    ) -> Stream[Line]:
        """The lines that it writes, those of each stream for themselves. One of more than ``most_characters`` comes in parts."""
        return Stream(self._lines(Lines(stream, phase, most_characters), follow))

    def _lines(self, lines: Lines, follow: bool) -> Generator[Line, None, None]:
        with self.events(follow=follow) as events:
            for event in events:
                for line in lines.feed(event):
                    yield line

    def output(
        self,
        *,
        stream: Streams = "both",
        phase: Phase = "command",
        offset: int = 0,
        follow: bool = True,
    ) -> Stream[bytes]:
        """
        The bytes that it writes, exact, of one stream or of both in order of arrival; ``offset`` bytes are known already. Until
        it has finished, or without ``follow`` what is there now.
        """
        return Stream(read_output(self._connection, self._path, stream, phase, offset, follow))

    def text(
        self,
        *,
        stream: Streams = "both",
        phase: Phase = "command",
        offset: int = 0,
        follow: bool = True,
    ) -> str:
        """The same as text, in memory, when it has finished; what is not UTF-8 becomes U+FFFD."""
        with self.output(stream=stream, phase=phase, offset=offset, follow=follow) as output:
            parts = [part for part in output]
        return b"".join(parts).decode("utf-8", "replace")

    def cancel(self, *, grace_seconds: float | None = None) -> RunRecord:
        """Asks it to end. Does nothing to one that has finished."""
        document = {} if grace_seconds is None else {"grace_seconds": grace_seconds}
        call = Call(f"{self._path}/cancel", method="POST", repeatable=True)
        record: RunRecord = self._connection.send(call, document)
        self.record = record
        return record

    def signal(self, name: str) -> None:
        """Sends a signal to its process group: ``SIGINT``. It is not sent again where its fate is not known."""
        call = Call(f"{self._path}/signals", method="POST")
        self._connection.ask(with_json(call, {"signal": name}))

    def write_stdin(self, data: Payload) -> None:
        """
        Feeds its standard input (``options.stdin_open``), each call after the one before; waits until the run has started. Returns
        when all is taken. ConnectionError ``connection_lost``: how much of it was taken is not known, and nothing is sent twice.
        """
        sending = Sending(data)
        with self._stdin:
            if sending.repeatable:
                self._feed(sending)
                return
            for part in sending.parts():
                self._feed(Sending(part))

    def close_stdin(self) -> None:
        """Ends its standard input."""
        with self._stdin:
            self._feed(Sending(b""), eof=True)

    def _feed(self, sending: Sending, eof: bool = False) -> None:
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
                self._connection.ask(call)
                return
            except ConflictError as error:
                if error.code != "not_running" or (self.refresh())["result"] is not None:
                    raise
            pause(seconds)
            seconds = min(1.0, 2 * seconds)

    def detach(self) -> Self:
        """It goes on when an ``with`` ends."""
        self._detached = True
        return self

    def artifacts(self) -> list[ArtifactDescriptor]:
        """What it left behind: stdout and stderr first."""
        answer = self._connection.json(Call(f"{self._path}/artifacts"))
        return cast(list[ArtifactDescriptor], answer["items"])

    def artifact(self, id: str) -> Download:
        """The bytes of one, by its ``artifact_id``."""
        return Download(self._connection, f"{self._path}/artifacts/{segment(id)}")

    def remove(self) -> None:
        """Removes the record and the files of a run that has finished."""
        self._connection.ask(Call(self._path, method="DELETE"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._detached or (self.record is not None and self.record["result"] is not None):
            return
        try:
            self.cancel()
        except RunwireError as failure:
            if error is None:
                raise
            error.add_note(f"and {self.id} could not be cancelled: {failure}")
