"""Files that come beside a document, in a form (RFC 7578)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from .body import Body, Bytes, Joined, Source, body_of

JSON = "application/json"


def with_files(
    part: str, document: object, files: Mapping[str, Source] | None, archive: Source | None
) -> tuple[str, Body]:
    """Media type and bytes: JSON, or a form where files come with it. Raises ValueError for a path that a form cannot tell."""
    if not files and archive is None:
        return JSON, json_of(document)
    boundary = secrets.token_hex(16)
    bodies: list[Body] = []

    def add(name: str, filename: str | None, media_type: str, body: Body) -> None:
        said = f'name="{name}"' if filename is None else f'name="{name}"; filename="{filename}"'
        head = f"--{boundary}\r\nContent-Disposition: form-data; {said}\r\nContent-Type: {media_type}\r\n\r\n"
        bodies.extend([Bytes(head.encode()), body, Bytes(b"\r\n")])

    add(part, None, JSON, json_of(document))
    for path, source in (files or {}).items():
        if any(character in path for character in '"\r\n'):
            raise ValueError(f"a form cannot tell the path {path!r}: send it in an archive")
        add("file", path, "application/octet-stream", body_of(source))
    if archive is not None:
        add("archive", "archive", "application/octet-stream", body_of(archive))
    bodies.append(Bytes(f"--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", Joined(bodies)


def json_of(document: object) -> Body:
    """Raises ValueError for NaN and infinities, of which JSON knows nothing."""
    return Bytes(json.dumps(document, ensure_ascii=False, allow_nan=False).encode())
