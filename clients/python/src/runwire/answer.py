"""Answers that are held whole."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

import httpx

from .errors import unexpected


@dataclass(frozen=True)
class Answer:
    status: int
    headers: httpx.Headers
    content: bytes

    def json(self) -> Any:
        kind = self.headers.get("content-type", "nothing")
        try:
            if kind.startswith("application/json"):
                return json.loads(self.content)
        except ValueError:
            pass  # said below
        raise unexpected(f"the answer is {kind}, and not the JSON of a Runwire server", self.status)


@dataclass(frozen=True)
class Head:
    """What the server says of bytes before it sends them."""

    size: int | None
    """None: it is not known before all have come."""
    media_type: str | None
    etag: str | None
    sha256: str | None
    """Hexadecimal; None: the server does not say."""


def head_of(headers: httpx.Headers) -> Head:
    # A proxy that packs what comes tells of what it makes of it.
    packed = headers.get("content-encoding", "identity") != "identity"
    length = None if packed else headers.get("content-length")
    return Head(
        size=int(length) if length is not None and length.isdigit() else None,
        media_type=headers.get("content-type"),
        etag=None if packed else headers.get("etag"),
        sha256=_sha256_of(headers.get("repr-digest", "")),
    )


def _sha256_of(digests: str) -> str | None:
    found = re.search(r"sha-256=:([\w+/=]+):", digests)
    try:
        return base64.b64decode(found[1]).hex() if found else None
    except binascii.Error:
        return None
