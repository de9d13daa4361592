# Made from _async/connection.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import dataclasses
from typing import Any

import httpx

from ..answer import Answer
from ..errors import ConnectionError, RunwireError
from ..form import JSON, json_of
from ..patience import Deadline, Patience
from ..problem import error_of
from ..settings import Settings
from .exchange import Call, Exchange
from .machine import pause
from .sending import Sending


LARGEST_PROBLEM = 1 << 20
"""What says more than that is read no further."""


class Connection:
    """Asks one server, again where that is safe."""

    def __init__(self, settings: Settings, client: httpx.Client) -> None:
        self.settings = settings
        self._client = client

    def json(self, call: Call) -> Any:
        """A JSON answer."""
        return (self.ask(call)).json()

    def send(self, call: Call, document: object) -> Any:
        """JSON that is sent, and its answer."""
        return self.json(with_json(call, document))

    def ask(self, call: Call) -> Answer:
        """
        The answer. Asked again after a failure that passes by, for ``retry_seconds``: always where the server did nothing,
        and where its fate is not known if the call may be repeated.
        """
        seconds = self.settings.retry_seconds if call.retry_seconds is None else call.retry_seconds
        patience = Patience(seconds)
        once = call.body is not None and not call.body.repeatable
        repeatable = call.repeatable if call.repeatable is not None else call.method != "POST"
        uncertain = False
        while True:
            try:
                with self.open(call, uncertain) as exchange:
                    return Answer(exchange.status, exchange.headers, exchange.content())
            except RunwireError as error:
                undone = _is_undone(error)
                if once or not (undone or repeatable):
                    raise
                wait = patience.after(error)
                uncertain = uncertain or not undone
            pause(min(wait, call.deadline.left()))
            call.deadline.check()

    def look(self, path: str, seconds: float, deadline: Deadline) -> Any:
        """What is there, which may take so long to become otherwise. Asked for as long as ``resume_seconds`` allow."""
        wait = round(min(seconds, deadline.left()), 3)
        call = Call(
            path,
            query={"wait": wait},
            wait_seconds=wait,
            retry_seconds=self.settings.resume_seconds,
            deadline=deadline,
        )
        return self.json(call)

    def open(self, call: Call, may_be_gone: bool = False) -> Exchange:
        """One attempt. Raises what the answer says, where it is no success. ``may_be_gone``: an earlier attempt may have removed it."""
        exchange = Exchange.begin(self.settings, self._client, call)
        status = exchange.status
        kind = exchange.headers.get("content-type", "")
        if 200 <= status < 300 or (status == call.takes and kind.startswith(JSON)):
            return exchange
        if call.method == "DELETE" and may_be_gone and status in (404, 410):
            return exchange
        with exchange:
            raise error_of(status, exchange.headers, exchange.content(LARGEST_PROBLEM))


def with_json(call: Call, document: object) -> Call:
    headers = {**call.headers, "content-type": JSON}
    return dataclasses.replace(call, headers=headers, body=Sending(json_of(document)))


def _is_undone(error: RunwireError) -> bool:
    """The server did nothing of what was asked: it was not reached, or says that it is not now."""
    if isinstance(error, ConnectionError):
        return error.code == "unreachable"
    return error.code in ("queue_full", "draining", "overloaded")
