from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

from ..errors import SourceError, lost, unexpected
from ..failure import failure_of
from ..patience import Deadline
from ..paths import query_of
from ..settings import Settings
from .sending import Sending

CONNECT_SECONDS = 10.0
LARGE = 1_000_000
LATE_SECONDS = 5.0
"""An answer that is asked for until a deadline may come somewhat later."""


@dataclass(frozen=True)
class Call:
    """What is asked."""

    path: str
    """Begins with a slash; what is in it is percent-encoded already."""
    method: str = "GET"
    query: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Sending | None = None
    wait_seconds: float = 0
    """The server may take so long until it answers; infinite: as long as it will."""
    takes: int | None = None
    """A status that is an answer here too, where it is JSON of the route and no problem."""
    repeatable: bool | None = None
    """May it be sent again when its fate is not known: the second does no more than the first did. Default: yes, but of POST."""
    retry_seconds: float | None = None
    """Default: that of the settings."""
    deadline: Deadline = field(default_factory=lambda: Deadline(None))


class Exchange:
    """One request and its answer, which ends when it is read or closed."""

    def __init__(self, response: httpx.Response, idle_seconds: float) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self._response = response
        self._idle_seconds = idle_seconds
        # Nothing is packed on the way, but by a proxy that does as it likes.
        self._parts = response.aiter_bytes()

    @classmethod
    async def begin(cls, settings: Settings, client: httpx.AsyncClient, call: Call) -> Exchange:
        """Raises ConnectionError, SourceError."""
        parts = None if call.body is None else call.body.parts()
        request = _request_of(settings, client, call, parts)
        try:
            response = await client.send(request, stream=True, follow_redirects=False)
        except SourceError as error:
            # Below here the cause is taken off.
            raise error from (None if call.body is None else call.body.failure)
        except httpx.ReadTimeout as error:
            raise lost(f"no answer within {settings.answer_seconds + call.wait_seconds:g} s") from error
        except httpx.TransportError as error:
            raise failure_of(error) from error
        finally:
            if parts is not None:
                await parts.aclose()
        # What follows is bounded by silence alone: the transport looks there again when it reads the body.
        request.extensions["timeout"]["read"] = _bound(settings.idle_seconds)
        return cls(response, settings.idle_seconds)

    async def part(self) -> bytes | None:
        """The next bytes of the body; None after the last. Raises ConnectionError where it breaks off, or nothing comes for ``idle_seconds``."""
        try:
            return await anext(self._parts, None)
        except httpx.DecodingError as error:
            raise unexpected(f"the answer is not packed as it says: {error}", self.status) from error
        except httpx.ReadTimeout as error:
            raise lost(f"nothing came for {self._idle_seconds:g} s") from error
        except httpx.TransportError as error:
            raise failure_of(error) from error

    async def content(self, most: float = math.inf) -> bytes:
        """All of the body, or somewhat more than ``most`` bytes of it."""
        parts: list[bytes] = []
        length = 0
        while length <= most and (part := await self.part()) is not None:
            parts.append(part)
            length += len(part)
        return b"".join(parts)

    async def aclose(self) -> None:
        """The connection is given up, unless all has come."""
        if isinstance(self._parts, AsyncGenerator):
            await self._parts.aclose()
        await self._response.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def _request_of(
    settings: Settings, client: httpx.AsyncClient, call: Call, parts: AsyncGenerator[bytes, None] | None
) -> httpx.Request:
    headers = {"accept-encoding": "identity", **call.headers}
    if settings.token is not None:
        headers["authorization"] = f"Bearer {settings.token}"
    size: float = 0
    if call.body is not None:
        size = math.inf if call.body.size is None else call.body.size
        if size != math.inf:
            headers["content-length"] = str(size)
    answer = settings.answer_seconds + call.wait_seconds
    # The way of a large one may take long, and so may what is done with it.
    read = math.inf if size > LARGE else min(answer, call.deadline.left() + LATE_SECONDS)
    write = math.inf if call.wait_seconds == math.inf else answer
    connect = min(CONNECT_SECONDS, settings.answer_seconds)
    timeout = httpx.Timeout(
        connect=connect, read=_bound(read), write=_bound(write), pool=_bound(settings.answer_seconds)
    )
    url = f"{settings.url}{call.path}{query_of(call.query)}"
    return client.build_request(call.method, url, headers=headers, content=parts, timeout=timeout)


def _bound(seconds: float) -> float | None:
    """Of httpx: None is for ever."""
    return None if seconds == math.inf else seconds
