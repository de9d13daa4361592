from __future__ import annotations

import gzip
import json as json_words
import socket
import threading

import httpx
import pytest
from programs import sh
from scripted_server import Answer, ScriptedServer, Talk, json, problem, reset, silence, text

from runwire import (
    AccessError,
    AsyncRunwire,
    BusyError,
    ConnectionError,
    GatewayError,
    GoneError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    RunwireError,
    ServerError,
)

pytestmark = pytest.mark.anyio

RECORD: dict[str, object] = {"invocation": {}, "status": "running", "result": None}


def of(server: ScriptedServer, *, retry_seconds: float = 60, answer_seconds: float = 60) -> AsyncRunwire:
    return AsyncRunwire(server.url, "t", retry_seconds=retry_seconds, answer_seconds=answer_seconds)


def cut_within(talk: Talk) -> None:
    talk.head(202, {"content-type": "application/json", "content-length": "1000"})
    talk.wfile.write(b'{"invo')
    talk.cut()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(reset, id="reset before any answer"),
        pytest.param(text("<h1>Bad Gateway</h1>", 502), id="502 of a proxy"),
        pytest.param(text("<h1>Unavailable</h1>", 503, {"retry-after": "0"}), id="503 of a proxy"),
        pytest.param(text("", 504), id="504 of a proxy"),
        pytest.param(cut_within, id="cut within the answer"),
    ],
)
async def test_a_call_is_sent_again_where_twice_is_as_good_as_once_with_the_same_id(fault: Answer) -> None:
    bodies: list[bytes] = []

    def noting(answer: Answer) -> Answer:
        def noted(talk: Talk) -> None:
            bodies.append(talk.body)
            answer(talk)

        return noted

    with ScriptedServer(noting(fault), noting(fault), noting(json(RECORD, 202))) as server:
        async with of(server) as rw:
            run = await rw.submit(sh("true"))
        assert server.asked == ["POST /invocations"] * 3
    assert len(set(bodies)) == 1
    assert json_words.loads(bodies[0])["invocation_id"] == run.id


async def test_what_may_not_be_repeated_is_lost_at_once() -> None:
    with ScriptedServer(reset) as server:
        async with of(server) as rw:
            run = rw.attach("a")
            with pytest.raises(ConnectionError) as caught:
                await run.signal("SIGINT")
            assert (caught.value.code, caught.value.status) == ("connection_lost", None)
            assert isinstance(caught.value, OSError)
            with pytest.raises(ConnectionError) as caught:
                await run.write_stdin("x")
            assert caught.value.code == "connection_lost"
        assert server.asked == ["POST /invocations/a/signals", "POST /invocations/a/stdin"]


@pytest.mark.parametrize("code", ["queue_full", "draining", "overloaded"])
async def test_what_was_not_done_is_sent_again_whatever_it_is(code: str) -> None:
    refusal = problem(429 if code == "queue_full" else 503, code, headers={"retry-after": "0"})
    with ScriptedServer(refusal, refusal, lambda talk: talk.head(204, {})) as server:
        async with of(server) as rw:
            await rw.attach("a").signal("SIGINT")
        assert len(server.asked) == 3


async def test_it_does_not_wait_where_retry_after_is_too_long() -> None:
    with ScriptedServer(problem(503, "draining", headers={"retry-after": "3600"})) as server:
        async with of(server) as rw:
            with pytest.raises(BusyError) as caught:
                await rw.submit(sh("true"))
        assert (caught.value.code, caught.value.status) == ("draining", 503)
        assert caught.value.retry_after_seconds == 3600
        assert len(server.asked) == 1


async def test_what_is_never_answered_well_ends_with_what_went_wrong_last() -> None:
    with ScriptedServer(text("<h1>Bad Gateway</h1>", 502)) as server:
        async with of(server, retry_seconds=0.5) as rw:
            with pytest.raises(GatewayError) as caught:
                await rw.submit(sh("true"))
        assert (caught.value.code, caught.value.status) == ("gateway_error", 502)
        assert len(server.asked) > 1


REDIRECT = text("", 302, {"location": "https://elsewhere.example/"})


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            problem(422, "invalid_invocation", {"errors": [{"path": "command", "message": "is missing"}]}),
            InvalidError,
        ),
        (problem(401, "unauthorized"), AccessError),
        (problem(403, "forbidden_host"), AccessError),
        (problem(500, "internal_error"), ServerError),
        (text("Not here", 404), NotFoundError),
        (text("<p>Welcome</p>", 200), ProtocolError),
        (json("{", 200, {"content-type": "text/plain"}), ProtocolError),
        (json({}, 422, {"content-type": "application/problem+json"}), InvalidError),
        (REDIRECT, ProtocolError),
    ],
)
async def test_it_is_not_sent_again_where_the_server_says_no_or_fails(
    answer: Answer, kind: type[RunwireError]
) -> None:
    with ScriptedServer(answer) as server:
        async with of(server) as rw:
            with pytest.raises(kind) as caught:
                await rw.submit(sh("true"))
        assert type(caught.value) is kind
        assert len(server.asked) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as place:
        port: int = place.getsockname()[1]
        return port


async def test_where_nothing_listens_is_unreachable_and_it_is_done_when_something_does() -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with AsyncRunwire(url, retry_seconds=0) as hasty:
        with pytest.raises(ConnectionError) as caught:
            await hasty.attach("a").signal("SIGINT")
        assert caught.value.code == "unreachable"
    late = ScriptedServer(lambda talk: talk.head(204, {}), port=port)
    timer = threading.Timer(0.5, late.__enter__)
    timer.start()
    async with AsyncRunwire(url) as patient:
        await patient.attach("a").signal("SIGINT")
    timer.join()
    late.__exit__(None, None, None)
    assert late.asked == ["POST /invocations/a/signals"]


async def test_a_server_that_says_nothing_is_lost_after_a_while() -> None:
    with ScriptedServer(silence) as server:
        async with of(server, answer_seconds=0.5, retry_seconds=0) as rw:
            with pytest.raises(ConnectionError, match="no answer within 0.5 s") as caught:
                await rw.attach("a").refresh()
        assert caught.value.code == "connection_lost"


async def test_a_delete_whose_answer_was_lost_has_done_its_work_when_nothing_is_there_any_more() -> None:
    with ScriptedServer(reset, problem(410, "invocation_removed")) as server:
        async with of(server) as rw:
            await rw.attach("a").remove()
    with ScriptedServer(problem(410, "invocation_removed")) as server:
        async with of(server) as rw:
            with pytest.raises(GoneError):
                await rw.attach("a").remove()


async def test_waiting_ends_in_time_also_where_the_server_is_away() -> None:
    with ScriptedServer(reset) as server:
        async with of(server) as rw:
            with pytest.raises(TimeoutError):
                await rw.attach("a").wait(timeout=0.5)


async def test_the_token_goes_nowhere_else_and_what_is_sent_is_not_packed() -> None:
    seen: list[dict[str, str]] = []

    def answer(talk: Talk) -> None:
        seen.append({name.lower(): value for name, value in talk.headers.items()})
        json(RECORD)(talk)

    with ScriptedServer(answer) as server:
        async with of(server) as rw:
            await rw.attach("a").refresh()
    assert seen[0]["authorization"] == "Bearer t"
    assert seen[0]["accept-encoding"] == "identity"
    assert seen[0]["user-agent"].startswith("runwire-python/")


async def test_a_block_that_fails_tells_of_that_also_where_the_run_cannot_be_cancelled() -> None:
    with ScriptedServer(problem(500, "internal_error")) as server:
        async with of(server) as rw:
            with pytest.raises(KeyError, match="mine") as caught:
                async with rw.attach("a"):
                    raise KeyError("mine")
            assert "could not be cancelled" in caught.value.__notes__[0]
            with pytest.raises(ServerError):
                async with rw.attach("a"):
                    pass


async def test_what_a_proxy_packs_is_unpacked_and_a_page_without_end_is_not_read_to_its_end() -> None:
    packed = gzip.compress(json_words.dumps(RECORD).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    with ScriptedServer(lambda talk: talk.whole(200, headers, packed)) as server:
        async with of(server) as rw:
            assert await rw.attach("a").refresh() == RECORD
    with ScriptedServer(lambda talk: talk.whole(200, headers, b"{}")) as server:
        async with of(server) as rw:
            with pytest.raises(ProtocolError, match="packed"):
                await rw.attach("a").refresh()

    def endless(talk: Talk) -> None:
        talk.head(404, {"content-type": "text/html", "transfer-encoding": "chunked"})
        while True:
            talk.chunk(bytes(1 << 16))

    with ScriptedServer(endless) as server:
        async with of(server) as rw:
            with pytest.raises(NotFoundError):
                await rw.attach("a").refresh()


async def test_a_client_of_httpx_may_be_given_and_stays_open() -> None:
    with ScriptedServer(json(RECORD)) as server:
        async with httpx.AsyncClient(follow_redirects=True, headers={"x-own": "1"}) as own:
            async with AsyncRunwire(server.url, "t", http_client=own) as rw:
                await rw.attach("a").refresh()
            assert not own.is_closed
            with ScriptedServer(text("", 302, {"location": server.url})) as other:
                async with AsyncRunwire(other.url, "t", http_client=own) as rw:
                    with pytest.raises(ProtocolError, match="redirect"):
                        await rw.attach("a").refresh()
        assert len(server.asked) == 1


async def test_an_address_may_have_a_path_and_is_that_of_the_environment_where_none_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with ScriptedServer(json(RECORD)) as server:
        monkeypatch.setenv("RUNWIRE_URL", f"{server.url}/below/")
        async with AsyncRunwire() as rw:
            await rw.attach("a b").refresh()
        assert server.asked == ["GET /below/invocations/a%20b"]
