"""Addresses below that of the server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from .errors import InvalidError


def segment(name: str) -> str:
    """
    A name as one segment of a path. Raises InvalidError ``invalid_name`` for what names nothing, ``.`` and ``..`` among it: an
    address folds them away, encoded or not, and would be that of something else.
    """
    if name in ("", ".", ".."):
        raise InvalidError(f"{name!r} names nothing", code="invalid_name")
    return quote(name, safe="")


def file_path(of: str, path: str) -> str:
    return f"{of}/files/{'/'.join(segment(part) for part in path.split('/'))}"


def exactly(path: str) -> str:
    """A glob that matches this path alone."""
    return re.sub(r"[\\*?[\]{}!,]", r"\\\g<0>", path)


def query_of(query: Mapping[str, object]) -> str:
    """With its question mark; what is None or absent is not in it."""
    asked = {name: _word(value) for name, value in query.items() if value is not None}
    return f"?{urlencode(asked)}" if asked else ""


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
