"""Server-sent events."""

from __future__ import annotations

import json
from typing import cast

from .errors import unexpected
from .openapi import RuntimeEvent


class EventLines:
    """
    The events in a stream of server-sent events (WHATWG HTML, 9.2), as Runwire writes them: ``data:`` is one line, and no
    line break of any reader is within it. What is no whole line when the stream ends is not told.
    """

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, part: bytes) -> list[RuntimeEvent]:
        """The events that are whole with these bytes."""
        first, *more = part.split(b"\n")
        self._rest.append(first)
        if not more:
            return []
        lines = [b"".join(self._rest), *more[:-1]]
        self._rest = [more[-1]]
        return [_parsed(line) for line in lines if line.startswith(b"data: ")]


def _parsed(line: bytes) -> RuntimeEvent:
    try:
        event = json.loads(line[6:])
    except ValueError as error:
        raise unexpected("a line of the events is not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("seq"), int):
        raise unexpected("a line of the events is no event")
    return cast(RuntimeEvent, event)
