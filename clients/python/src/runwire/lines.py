"""Lines of output."""

from __future__ import annotations

import base64
import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from .openapi import RuntimeEvent

StreamName = Literal["stdout", "stderr"]
Phase = Literal["setup", "command"]


@dataclass(frozen=True)
class Line:
    """A line of output, without its line break."""

    stream: StreamName
    phase: Phase
    text: str
    time: str
    """Of the event that ended it."""
    partial: bool
    """It was not ended by a line break: the program ended, bytes after it are not kept (a gap), or it is a part of a very long one."""


class Lines:
    """The lines in events, those of each stream for themselves, in the order in which they were ended. Bytes that are not UTF-8 become U+FFFD."""

    def __init__(
        self, stream: StreamName | None, phase: Literal["setup", "command", "both"], most_characters: int
    ) -> None:
        if most_characters < 1:
            raise ValueError(f"most_characters must be 1 or more, and is {most_characters}")
        self._stream = stream
        self._phase = phase
        self._most = most_characters
        self._ends: dict[tuple[StreamName, Phase], _End] = {}

    def feed(self, event: RuntimeEvent) -> Iterator[Line]:
        if event["type"] == "finished":
            for end in self._ends.values():
                yield from end.flush(event["time"])
        elif event["type"] == "gap":
            if (end_of := self._end(event["stream"], event.get("phase", "command"))) is not None:
                yield from end_of.flush(event["time"])
        elif event["type"] == "stdout" or event["type"] == "stderr":
            if (end_of := self._end(event["type"], event.get("phase", "command"))) is not None:
                yield from end_of.take(event.get("text"), event.get("base64"), event["time"])

    def _end(self, stream: StreamName, phase: Phase) -> _End | None:
        if self._stream not in (None, stream) or self._phase not in ("both", phase):
            return None
        return self._ends.setdefault((stream, phase), _End(stream, phase, self._most))


class _End:
    """What came of a stream since its last line break."""

    def __init__(self, stream: StreamName, phase: Phase, most: int) -> None:
        self._stream: StreamName = stream
        self._phase: Phase = phase
        self._most = most
        # A character of what is not UTF-8 as a whole may be split over two events.
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._length = 0

    def take(self, text: str | None, encoded: str | None, time: str) -> Iterator[Line]:
        if encoded is None:  # What is text is whole characters: what is left of bytes before it is not.
            came = self._rest() + (text or "")
        else:
            came = self._decoder.decode(base64.b64decode(encoded))
        for at, piece in enumerate(came.split("\n")):
            if at > 0:
                yield self._ended(time, False)
            start = 0
            while start < len(piece):
                part = piece[start : start + self._most - self._length]
                start += len(part)
                self._parts.append(part)
                self._length += len(part)
                if self._length >= self._most:
                    yield self._ended(time, True)

    def flush(self, time: str) -> Iterator[Line]:
        if rest := self._rest():
            self._parts.append(rest)
        if self._parts:
            yield self._ended(time, True)

    def _rest(self) -> str:
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        return rest

    def _ended(self, time: str, partial: bool) -> Line:
        text = "".join(self._parts)
        self._parts = []
        self._length = 0
        if not partial and text.endswith("\r"):
            text = text[:-1]
        return Line(self._stream, self._phase, text, time, partial)
