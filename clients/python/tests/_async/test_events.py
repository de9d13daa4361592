from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import partial

import pytest
from programs import until
from scripted_server import Answer, ScriptedServer, Talk, events, framed, problem, reset, text

from runwire import (
    AccessError,
    AsyncRunwire,
    ConnectionError,
    GoneError,
    InvalidError,
    ProtocolError,
    RuntimeEvent,
    RunwireError,
)

from .together import aside, together

pytestmark = pytest.mark.anyio


def event(seq: int, more: Mapping[str, object] | None = None) -> dict[str, object]:
    told = more or {"type": "stdout", "phase": "command", "text": f"ä{seq}\n"}
    return {"seq": seq, "time": "t", **told}


ONE, TWO, THREE, LAST = event(1), event(2), event(3), event(4, {"type": "finished"})
ALL = [ONE, TWO, THREE, LAST]
EVERYTHING = framed(*ALL)


def after(target: str) -> int:
    found = re.search(r"after=(\d+)", target)
    return int(found[1]) if found else -1


async def test_a_stream_that_is_cut_at_any_byte_is_gone_on_with() -> None:
    cut: set[int] = set()

    def answer(talk: Talk) -> None:
        at = int(talk.path.split("/")[2])
        if at in cut:
            events(framed(*ALL[after(talk.path) :]))(talk)
        else:
            cut.add(at)
            events(EVERYTHING[:at])(talk)

    with ScriptedServer(answer) as server:
        async with AsyncRunwire(server.url) as rw:

            async def expect_all(at: int) -> None:
                told = [event async for event in rw.attach(str(at)).events()]
                assert told == ALL, f"cut at {at}"

            await together(*(partial(expect_all, at) for at in range(len(EVERYTHING))))
    assert len(cut) == len(EVERYTHING)


async def test_it_goes_on_however_it_broke() -> None:
    answers: list[Answer] = [
        events(framed(ONE)),
        reset,
        text("<h1>Bad Gateway</h1>", 502),
        problem(503, "draining", headers={"retry-after": "0"}),
        events(b": \n\n", "end"),
        events(framed(TWO), "silence"),
        events(framed(THREE, LAST)),
    ]
    with ScriptedServer(*answers) as server:
        async with AsyncRunwire(server.url, idle_seconds=1) as rw:
            assert [event async for event in rw.attach("a").events()] == ALL
        assert [after(target) for target in server.asked] == [0, 1, 1, 1, 1, 1, 2]


async def test_a_reader_that_takes_its_time_is_no_silence() -> None:
    with ScriptedServer(events(EVERYTHING, "end")) as server:
        async with AsyncRunwire(server.url, idle_seconds=1) as rw:
            seen: list[RuntimeEvent] = []
            async for told in rw.attach("a").events():
                if not seen:
                    await aside(lambda: time.sleep(1.5))
                seen.append(told)
        assert seen == ALL
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(problem(410, "invocation_removed"), GoneError, id="removed"),
        pytest.param(problem(401, "unauthorized"), AccessError, id="not for this token any more"),
        pytest.param(
            problem(400, "bad_request", {"errors": [{"path": "after", "message": "is ahead"}]}),
            InvalidError,
            id="fewer events than were seen",
        ),
        pytest.param(text("<p>Welcome</p>", 200), ProtocolError, id="somewhere else"),
        pytest.param(events(framed(THREE)), ProtocolError, id="a hole"),
        pytest.param(events(framed(ONE)), ProtocolError, id="again"),
        pytest.param(events(b'data: {"seq":\n\n'), ProtocolError, id="not JSON"),
        pytest.param(events(b"data: 7\n\n"), ProtocolError, id="no event"),
    ],
)
async def test_what_waiting_does_not_help_is_told_and_not_asked_for_again(
    answer: Answer, kind: type[RunwireError]
) -> None:
    with ScriptedServer(events(framed(ONE)), answer) as server:
        async with AsyncRunwire(server.url) as rw:
            reading = rw.attach("a").events()
            assert await anext(reading) == ONE
            for _ in range(2):  # it is no end
                with pytest.raises(kind):
                    await anext(reading)
        assert len(server.asked) == 2


async def test_a_server_that_stays_away_is_given_up_after_resume_seconds() -> None:
    with ScriptedServer(events(framed(ONE)), reset) as server:
        async with AsyncRunwire(server.url, resume_seconds=0.5) as rw:
            reading = rw.attach("a").events()
            assert await anext(reading) == ONE
            with pytest.raises(ConnectionError) as caught:
                await anext(reading)
            assert caught.value.code == "connection_lost"


async def test_who_leaves_leaves_the_connection() -> None:
    with ScriptedServer(events(framed(ONE), "silence")) as server:
        async with AsyncRunwire(server.url) as rw:
            async for _ in rw.attach("a").events():
                break
            await aside(lambda: until(lambda: server.gone == 1, "a loop that was left"))
            async with rw.attach("a").events() as reading:
                await anext(reading)
            await aside(lambda: until(lambda: server.gone == 2, "a block that was left"))
            async with rw.attach("a").lines() as lines:
                assert (await anext(lines)).text == "ä1"
            await aside(lambda: until(lambda: server.gone == 3, "lines that were left"))


async def test_what_is_there_now_is_asked_for_once() -> None:
    with ScriptedServer(events(framed(ONE, TWO), "end")) as server:
        async with AsyncRunwire(server.url) as rw:
            assert [event async for event in rw.attach("a").events(follow=False)] == [ONE, TWO]
        assert server.asked == ["GET /invocations/a/events?after=0&follow=false"]
