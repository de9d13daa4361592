# Made from _async/output.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

from collections.abc import Generator
from typing import Literal

from ..errors import IntegrityError, RunwireError, lost
from ..openapi import Outcome, Record
from ..patience import Patience
from .connection import Connection
from .exchange import Call
from .machine import pause

Streams = Literal["stdout", "stderr", "both"]
Phase = Literal["setup", "command"]


def read_output(
    connection: Connection, path: str, stream: Streams, phase: Phase, offset: int, follow: bool
) -> Generator[bytes, None, None]:
    """
    The bytes that a run wrote and the server keeps, exact, however often the connection breaks. Raises IntegrityError where
    more came than were kept, and whatever the server refuses with.
    """
    patience = Patience(connection.settings.resume_seconds)
    position = offset
    while True:
        query = {
            "follow": True if follow else None,
            "phase": "setup" if phase == "setup" else None,
            "offset": position if position > 0 else None,
        }
        call = Call(f"{path}/{'output' if stream == 'both' else stream}", query=query)
        try:
            with connection.open(call) as exchange:
                while (part := exchange.part()) is not None:
                    patience.renew()
                    position += len(part)
                    yield part
            if not follow:
                return
            # A proxy may end in order what broke behind it.
            record: Record = connection.json(Call(path, retry_seconds=0))
            outcome = record["outcome"]
            if outcome is not None and position >= (kept := _kept_of(outcome, stream, phase)):
                if position > kept:
                    raise IntegrityError(f"{position} bytes came of {kept}", code="length_mismatch")
                return
            raise lost("the output ended before the run")
        except RunwireError as error:
            seconds = patience.after(error)
        pause(seconds)


def _kept_of(outcome: Outcome, stream: Streams, phase: Phase) -> int:
    out = outcome.get("setup_stdout") if phase == "setup" else outcome.get("stdout")
    err = outcome.get("setup_stderr") if phase == "setup" else outcome.get("stderr")
    asked = [out if stream != "stderr" else None, err if stream != "stdout" else None]
    return sum(facts["kept"] for facts in asked if facts)
