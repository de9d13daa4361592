"""How to reach a server."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

import httpx


@dataclass(frozen=True)
class Settings:
    url: str
    """Without a slash at the end."""
    token: str | None
    retry_seconds: float
    resume_seconds: float
    idle_seconds: float
    answer_seconds: float


def read_settings(
    url: str | None,
    token: str | None,
    *,
    retry_seconds: float,
    resume_seconds: float,
    idle_seconds: float,
    answer_seconds: float,
) -> Settings:
    """What is not given is taken from the environment. Raises ValueError for what is no address, token or number of seconds."""
    given = {
        "retry_seconds": retry_seconds,
        "resume_seconds": resume_seconds,
        "idle_seconds": idle_seconds,
        "answer_seconds": answer_seconds,
    }
    for name, value in given.items():
        if not isinstance(value, (int, float)) or math.isnan(value) or value < 0:
            raise ValueError(f"{name} must be a number of seconds, and is {value!r}")
    token = token if token is not None else os.environ.get("RUNWIRE_TOKEN") or None
    if token is not None and not re.fullmatch(r"[\x21-\x7e]+", token):
        raise ValueError("token must be visible characters of ASCII")
    address = url if url is not None else os.environ.get("RUNWIRE_URL") or "http://127.0.0.1:7070"
    return Settings(url=_checked(address), token=token, **given)


def _checked(address: str) -> str:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ValueError(f"url is none: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"url must be http or https, and is {address}")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("url must have no user, password, query or fragment")
    return str(url).rstrip("/?#")
