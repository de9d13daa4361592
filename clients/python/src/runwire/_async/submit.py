from __future__ import annotations

from collections.abc import Mapping

from ..body import Source
from ..documents import RunRecord
from ..form import with_files
from ..new_id import new_id
from ..openapi import InvocationInput
from .connection import AsyncConnection
from .exchange import Call
from .run import AsyncRun
from .sending import Sending


async def submit(
    connection: AsyncConnection,
    invocation: InvocationInput,
    files: Mapping[str, Source] | None,
    archive: Source | None,
) -> AsyncRun:
    """
    Starts a run. It has an ``invocation_id`` before it is sent, so that a POST whose answer is lost is sent again and joins the
    run that it made.
    """
    id = invocation.get("invocation_id") or new_id()
    media_type, body = with_files("invocation", {**invocation, "invocation_id": id}, files, archive)
    call = Call(
        "/invocations",
        method="POST",
        headers={"content-type": media_type},
        body=Sending(body),
        repeatable=True,
    )
    record: RunRecord = await connection.json(call)
    return AsyncRun(connection, id, record)
