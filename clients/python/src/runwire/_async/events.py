from __future__ import annotations

from collections.abc import AsyncGenerator

from ..errors import RunwireError, lost, unexpected
from ..event_lines import EventLines
from ..openapi import RuntimeEvent
from ..patience import Patience
from .connection import AsyncConnection
from .exchange import Call, Exchange
from .machine import pause


async def read_events(
    connection: AsyncConnection, path: str, after: int, follow: bool
) -> AsyncGenerator[RuntimeEvent, None]:
    """
    The events of a run, each once and in order, however often the connection breaks and the server restarts. Ends after
    ``finished``. Raises where the server refuses, or is away for ``resume_seconds``.
    """
    patience = Patience(connection.settings.resume_seconds)
    last = after
    while True:
        query = {"after": last, "follow": None if follow else False}
        call = Call(f"{path}/events", query=query, headers={"accept": "text/event-stream"})
        try:
            async with await connection.open(call) as exchange:
                if exchange.status == 204:
                    return  # nothing comes after the last
                _expect_events(exchange)
                lines = EventLines()
                while (part := await exchange.part()) is not None:
                    for event in lines.feed(part):
                        patience.renew()
                        if event["seq"] != last + 1:
                            raise unexpected(f"event {event['seq']} came after {last}")
                        last = event["seq"]
                        yield event
                        if event["type"] == "finished":
                            return
            if not follow:
                return
            # The server stops, and says so by an end in order.
            raise lost("the events ended before the run")
        except RunwireError as error:
            seconds = patience.after(error)
        await pause(seconds)


def _expect_events(exchange: Exchange) -> None:
    kind = exchange.headers.get("content-type", "nothing")
    if not kind.startswith("text/event-stream"):
        raise unexpected(f"the answer is {kind}, and no events", exchange.status)
