"""What can go wrong, by class and by ``code``."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldError:
    """A field that is to blame. ``path`` is dotted, and empty for the whole body."""

    path: str
    message: str


class RunwireError(Exception):
    """Whatever goes wrong between here and the server. Decide by the class or by ``code``; the message is for people."""

    code: str
    """One of docs/errors.md, or one of this client: docs/clients/python.md lists them."""
    status: int | None
    """Of the HTTP answer; None: there was none."""
    errors: Sequence[FieldError]
    retry_after_seconds: float | None
    """The server says that waiting helps, and how long."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        status: int | None = None,
        errors: Sequence[FieldError] = (),
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.errors = errors
        self.retry_after_seconds = retry_after_seconds

    def __reduce__(self) -> tuple[Any, ...]:
        # An exception is made anew of its args alone: one that crosses processes keeps its facts.
        return _remade, (type(self), self.args, self.__dict__)


def _remade(kind: type[RunwireError], args: tuple[Any, ...], facts: dict[str, Any]) -> RunwireError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


class ConnectionError(RunwireError, builtins.ConnectionError):
    """
    No answer came, or not all of it. It says nothing of a run: what runs goes on. ``unreachable``: nothing was asked
    of the server. ``connection_lost``: what was asked may have been done. It is the built-in ConnectionError too.
    """


class AccessError(RunwireError):
    """401, 403: the token is missing, wrong or not enough, or the server refuses the host."""


class NotFoundError(RunwireError):
    """404."""


class GoneError(RunwireError):
    """410: it was there, and is removed or closed."""


class ConflictError(RunwireError):
    """409, 412: it cannot be done as things stand."""


class InvalidError(RunwireError):
    """
    Any other 4xx: the request is not valid, and ``errors`` says where. Not sent at all: a name or path that no address can
    tell (``invalid_name``).
    """


class BusyError(RunwireError):
    """408, 429, 503: not now. ``retry_after_seconds`` says when."""


class ServerError(RunwireError):
    """Any other 5xx: the server failed."""


class GatewayError(ServerError):
    """5xx, not said by Runwire (``gateway_error``): what is before it, a proxy, does not reach it."""


class ProtocolError(RunwireError):
    """The answer is none that Runwire gives (``unexpected_answer``): is this its address?"""


class IntegrityError(RunwireError):
    """Bytes are not those that were meant: ``hash_mismatch``, ``length_mismatch``, ``changed`` (on the server, while they were read)."""


class SourceError(RunwireError):
    """What was to be sent could not be read (``unreadable_source``): a local file that was changed meanwhile, a stream that failed."""


class WebhookError(RunwireError):
    """It is not from who has the secret, or too old (``bad_signature``)."""


def lost(words: str) -> ConnectionError:
    return ConnectionError(words, code="connection_lost")


def unexpected(words: str, status: int | None = None) -> ProtocolError:
    return ProtocolError(words, code="unexpected_answer", status=status)


def unreadable() -> SourceError:
    return SourceError("what was to be sent could not be read", code="unreadable_source")
