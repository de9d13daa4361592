from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from scripted_server import NO_HEADERS, Answer, ScriptedServer, Talk, problem, reset, text

from runwire import (
    AsyncDownload,
    AsyncRunwire,
    ConnectionError,
    GoneError,
    IntegrityError,
    NotFoundError,
    RunwireError,
)

pytestmark = pytest.mark.anyio

BYTES = "the bytes of an artifact, äöü, to the last".encode()
HASH = base64.b64encode(hashlib.sha256(BYTES).digest()).decode()


def content(
    cut_after: int = len(BYTES), headers: Mapping[str, str] = NO_HEADERS, of: bytes = BYTES
) -> Answer:
    """Serves the bytes as Runwire does, cut after so many of them, with these headers instead."""

    def answer(talk: Talk) -> None:
        found = re.fullmatch(r"bytes=(\d+)-", talk.headers.get("range", ""))
        start = int(found[1]) if found else 0
        rest = of[start:]
        said = {
            "content-length": str(len(rest)),
            "etag": '"e"',
            "repr-digest": f"sha-256=:{HASH}:",
            **headers,
        }
        talk.head(206 if start else 200, said)
        if talk.command != "HEAD":
            talk.wfile.write(rest[:cut_after])
        if len(rest) > cut_after:
            talk.cut()

    return answer


def artifact(rw: AsyncRunwire) -> AsyncDownload:
    return rw.attach("a").artifact("x")


async def test_bytes_whose_connection_breaks_are_gone_on_with_where_they_broke() -> None:
    with ScriptedServer(content(7), reset, text("", 502), content(5), content(1), content()) as server:
        async with AsyncRunwire(server.url) as rw:
            assert await artifact(rw).read() == BYTES
        assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        pytest.param(problem(412, "precondition_failed"), IntegrityError, "changed", id="another tag"),
        pytest.param(
            lambda talk: talk.whole(200, {"etag": '"e"'}, b"x"),
            IntegrityError,
            "changed",
            id="from the start",
        ),
        pytest.param(problem(410, "gone"), GoneError, "gone", id="gone"),
    ],
)
async def test_what_is_another_by_then_is_not_taken_for_the_rest(
    answer: Answer, kind: type[RunwireError], code: str
) -> None:
    with ScriptedServer(content(7), answer) as server:
        async with AsyncRunwire(server.url) as rw:
            with pytest.raises(kind) as caught:
                await artifact(rw).read()
    assert caught.value.code == code


OTHER = b"X" + BYTES[1:]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param(content(of=OTHER), "hash_mismatch", id="other bytes"),
        pytest.param(content(of=BYTES[:-1]), "hash_mismatch", id="fewer bytes"),
    ],
)
async def test_other_bytes_than_were_told_are_told_of_and_are_no_file(
    answer: Answer, code: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    with ScriptedServer(answer) as server:
        async with AsyncRunwire(server.url) as rw:
            with pytest.raises(IntegrityError) as caught:
                await artifact(rw).read()
            assert caught.value.code == code
            with pytest.raises(IntegrityError):
                await artifact(rw).save(file)
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


async def test_a_length_that_is_more_than_comes_is_a_broken_connection() -> None:
    with ScriptedServer(
        content(headers={"content-length": str(len(BYTES) + 5)}), problem(410, "gone")
    ) as server:
        async with AsyncRunwire(server.url, idle_seconds=0.2) as rw:
            with pytest.raises(GoneError):
                await artifact(rw).read()


async def test_what_has_no_tag_is_not_gone_on_with() -> None:
    def answer(talk: Talk) -> None:
        talk.head(200, {"transfer-encoding": "chunked"})
        talk.chunk(b"some")
        talk.cut()

    with ScriptedServer(answer) as server:
        async with AsyncRunwire(server.url) as rw:
            with pytest.raises(ConnectionError) as caught:
                await artifact(rw).read()
        assert caught.value.code == "connection_lost"
        assert len(server.asked) == 1


async def test_what_is_packed_on_the_way_is_compared_and_not_gone_on_with() -> None:
    packed = gzip.compress(BYTES)
    said = {"content-encoding": "gzip", "content-length": str(len(packed))}
    with ScriptedServer(
        content(999, headers=said, of=packed), content(60, headers=said, of=packed)
    ) as server:
        async with AsyncRunwire(server.url) as rw:
            assert await artifact(rw).read() == BYTES
            with pytest.raises(ConnectionError):
                await artifact(rw).read()
        assert len(server.asked) == 2


async def test_a_file_is_there_when_all_has_come(tmp_path: Path) -> None:
    file = tmp_path / ("ü" * 100)
    with ScriptedServer(content(7), content()) as server:
        async with AsyncRunwire(server.url) as rw:
            await artifact(rw).save(file)
    assert file.read_bytes() == BYTES
    assert list(tmp_path.iterdir()) == [file]


async def test_nothing_is_asked_for_that_is_not_read_and_who_leaves_is_no_trouble(tmp_path: Path) -> None:
    with ScriptedServer(content()) as server:
        async with AsyncRunwire(server.url) as rw:
            download = artifact(rw)
            assert server.asked == []
            async for _ in download:
                break
            head = await download.head()
            assert (head.size, head.etag) == (len(BYTES), '"e"')
            assert head.sha256 == hashlib.sha256(BYTES).hexdigest()
        assert server.asked[-1] == "HEAD /invocations/a/artifacts/x"
    with ScriptedServer(problem(404, "artifact_not_found")) as server:
        async with AsyncRunwire(server.url) as rw:
            with pytest.raises(NotFoundError):
                await artifact(rw).save(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
