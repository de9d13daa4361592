"""Problem documents (RFC 9457)."""

from __future__ import annotations

import json
from typing import Any

import httpx

from .errors import (
    AccessError,
    BusyError,
    ConflictError,
    FieldError,
    GatewayError,
    GoneError,
    InvalidError,
    NotFoundError,
    RunwireError,
    ServerError,
    unexpected,
)
from .retry_after import retry_after_seconds

CLASSES: dict[int, type[RunwireError]] = {
    **{401: AccessError, 403: AccessError, 404: NotFoundError, 410: GoneError},
    **{409: ConflictError, 412: ConflictError},
    **{408: BusyError, 429: BusyError, 503: BusyError},
}


def error_of(status: int, headers: httpx.Headers, body: bytes) -> RunwireError:
    """The error that an answer which is no success stands for. What is no problem document was not said by Runwire."""
    if status < 400:
        where = headers.get("location")
        words = f"a redirect to {where}" if where else f"status {status}"
        return unexpected(f"the answer is {words}: this is not the address of a Runwire server", status)
    after = retry_after_seconds(headers.get("retry-after"))
    problem = _problem_of(headers, body)
    if problem is None and status >= 500:
        words = f"something before the server answers {status}"
        return GatewayError(words, code="gateway_error", status=status, retry_after_seconds=after)
    kind = CLASSES.get(status) or (ServerError if status >= 500 else InvalidError)
    if problem is None:
        return kind(
            f"the answer is {status}", code=f"http_{status}", status=status, retry_after_seconds=after
        )
    detail = problem.get("detail")
    message = detail if isinstance(detail, str) else problem["title"]
    errors = _field_errors(problem.get("errors"))
    return kind(message, code=problem["code"], status=status, errors=errors, retry_after_seconds=after)


def _problem_of(headers: httpx.Headers, body: bytes) -> dict[str, Any] | None:
    if not headers.get("content-type", "").startswith("application/problem+json"):
        return None
    try:
        value = json.loads(body)
    except ValueError:
        return None  # cut short, or not of Runwire
    if not isinstance(value, dict):
        return None
    return value if isinstance(value.get("code"), str) and isinstance(value.get("title"), str) else None


def _field_errors(errors: object) -> tuple[FieldError, ...]:
    if not isinstance(errors, list):
        return ()
    return tuple(
        FieldError(str(error.get("path", "")), str(error.get("message", "")))
        for error in errors
        if isinstance(error, dict)
    )
