from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from programs import own, sh
from real_server import RealServer

from runwire import (
    AccessError,
    AsyncRunwire,
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    RunFailedError,
)

pytestmark = pytest.mark.anyio


async def test_a_run_is_started_watched_and_waited_for(rw: AsyncRunwire) -> None:
    run = await rw.submit(sh("echo out; echo err >&2; exit 3"))
    types = [event["type"] async for event in run.events()]
    assert {"status", "stdout", "stderr", "artifact"} <= set(types)
    assert types[-1] == "finished"
    record = await run.wait()
    assert (record["status"], record["result"]["exit_code"]) == ("failed", 3)
    assert await run.text(stream="stdout") == "out\n"
    assert b"".join([part async for part in run.output(stream="stderr")]) == b"err\n"


async def test_with_check_a_run_that_ends_badly_is_an_error_that_is_none_of_the_connection(
    rw: AsyncRunwire,
) -> None:
    assert (await rw.run(sh("true")))["status"] == "succeeded"
    with pytest.raises(RunFailedError) as caught:
        await rw.run(sh("exit 4"), check=True)
    assert (caught.value.code, caught.value.status) == ("failed", None)
    assert caught.value.record["result"]["exit_code"] == 4


async def test_the_id_is_made_here_or_is_that_which_the_invocation_has(rw: AsyncRunwire) -> None:
    run = await rw.submit(sh("true"))
    assert re.fullmatch(r"[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}", run.id)
    assert run.record is not None and run.record["invocation"]["invocation_id"] == run.id
    for words in ("an id/with ü", "..%2f..", "%2F", "a#b?c&d=e;f", "...", "back\\slash", "😀", "a+b"):
        id = own(words)
        assert (await rw.submit({**sh("true"), "invocation_id": id})).id == id
        assert (await rw.attach(id).wait())["result"]["invocation_id"] == id


async def test_waiting_may_have_an_end_and_ends_no_run(rw: AsyncRunwire) -> None:
    async with await rw.submit(sh("sleep 600")) as run:
        with pytest.raises(TimeoutError):
            await run.wait(timeout=0.3)
        with pytest.raises(TimeoutError):
            await run.wait(timeout=0)
        assert (await run.refresh())["status"] == "running"
    assert (await run.wait())["status"] == "cancelled"
    # It is asked once in any case.
    assert (await rw.attach(run.id).wait(timeout=0))["status"] == "cancelled"


async def test_lines_are_those_of_each_stream_in_whole_characters(rw: AsyncRunwire) -> None:
    script = (
        r"printf 'a\303'; sleep 0.2; printf 'err' >&2; printf '\244b\r\nc\n\nd';"
        r" sleep 0.2; printf 'or\n' >&2; printf '\377'"
    )
    run = await rw.submit(sh(script))
    lines = [line async for line in run.lines()]
    assert [line.text for line in lines if line.stream == "stdout"] == ["aäb", "c", "", "d\ufffd"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["error"]
    assert [line.text for line in lines if line.partial] == ["d\ufffd"]
    assert [line.text async for line in run.lines(stream="stderr")] == ["error"]


async def test_standard_input_is_fed_in_order_as_soon_as_there_is_a_program(
    rw: AsyncRunwire, tmp_path: Path
) -> None:
    run = await rw.submit(sh("cat", {"stdin_open": True}))
    (tmp_path / "two").write_bytes(b"two ")

    async def parts() -> AsyncIterator[bytes]:
        for word in (b"three ", b"", b"four "):
            yield word

    await run.write_stdin("one ")
    await run.write_stdin(tmp_path / "two")
    await run.write_stdin(parts())
    with (tmp_path / "two").open("rb") as file:
        await run.write_stdin(file)
    await run.close_stdin()
    assert await run.text() == "one two three four two "
    with pytest.raises(ConflictError) as caught:
        await run.write_stdin("late")
    assert caught.value.code == "not_running"


async def test_a_run_is_signalled_and_cancelled(rw: AsyncRunwire) -> None:
    run = await rw.submit(sh("trap 'echo got; trap - INT' INT; echo up; while :; do sleep 0.05; done"))
    async with run.lines() as lines:
        assert (await anext(lines)).text == "up"
        await run.signal("SIGINT")
        assert (await anext(lines)).text == "got"
    await run.cancel(grace_seconds=0)
    record = await run.wait()
    assert record["status"] == "cancelled"
    assert record["outcome"].get("cancelled_by") == {"by": "client"}
    assert (await run.cancel())["status"] == "cancelled"


async def test_leaving_the_block_cancels_what_has_not_finished_unless_it_was_detached(
    rw: AsyncRunwire,
) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with (
            await rw.submit(sh("sleep 600")) as run,
            (await rw.submit(sh("sleep 0.5"))).detach() as other,
        ):
            raise KeyError("mine")
    assert (await run.wait())["status"] == "cancelled"
    assert (await other.wait())["status"] == "succeeded"
    assert (await rw.attach(other.id).refresh())["status"] == "succeeded"


async def test_events_go_on_after_one_that_another_program_knows(rw: AsyncRunwire) -> None:
    run = await rw.submit(sh("echo one; sleep 0.1; echo two"))
    told = [event async for event in run.events()]
    rest = [event async for event in rw.attach(run.id).events(after=told[1]["seq"])]
    assert rest == told[2:]
    assert [event async for event in run.events(after=len(told))] == []


async def test_a_list_is_read_page_by_page_with_a_filter(rw: AsyncRunwire) -> None:
    name = own("listed")
    made = [await rw.run({**sh("true"), "runtime_name": name}) for _ in range(5)]
    pages = [page["items"] async for page in rw.list(runtime_name=name, status="succeeded", limit=2).pages()]
    assert [len(page) for page in pages] == [2, 2, 1]
    ids = [record["invocation"]["invocation_id"] for page in pages for record in page]
    assert sorted(ids) == sorted(record["invocation"]["invocation_id"] for record in made)
    assert len([record async for record in rw.list(runtime_name=name, limit=2)]) == 5
    assert len(await rw.list(runtime_name=name).to_list(3)) == 3


async def test_a_run_that_is_removed_is_gone_to_who_reads_it_and_who_asks(rw: AsyncRunwire) -> None:
    run = await rw.submit(sh("echo x"))
    await run.wait()
    await run.remove()
    with pytest.raises(GoneError) as caught:
        await run.refresh()
    assert (caught.value.code, caught.value.status) == ("invocation_removed", 410)
    with pytest.raises(GoneError):
        await anext(run.events())
    with pytest.raises(GoneError):
        await anext(run.output())


async def test_what_the_server_refuses_is_told_by_class_code_and_field(
    rw: AsyncRunwire, server: RealServer
) -> None:
    with pytest.raises(InvalidError) as invalid:
        await rw.submit({"runtime_kind": "subprocess", "command": ["x"], "timeout_seconds": -1})
    assert (invalid.value.code, invalid.value.status) == ("invalid_invocation", 422)
    assert [error.path for error in invalid.value.errors] == ["timeout_seconds"]
    with pytest.raises(NotFoundError):
        await rw.attach("nobody").refresh()
    id = own("taken")
    await rw.submit({**sh("true"), "invocation_id": id})
    with pytest.raises(ConflictError) as conflict:
        await rw.submit({**sh("false"), "invocation_id": id})
    assert conflict.value.code == "invocation_conflict"
    async with AsyncRunwire(server.url, "wrong") as stranger:
        with pytest.raises(AccessError):
            await stranger.submit(sh("true"))
        with pytest.raises(AccessError):
            await anext(stranger.attach(id).events())


async def test_the_server_tells_of_itself(rw: AsyncRunwire) -> None:
    await rw.health()
    assert (await rw.readiness())["ready"] is True
    assert "subprocess" in [runtime["kind"] for runtime in await rw.runtimes()]
    assert (await rw.runtime("subprocess"))["available"] is True
    with pytest.raises(NotFoundError):
        await rw.runtime("none")


async def test_a_name_that_an_address_folds_away_is_refused_before_anything_is_asked(
    rw: AsyncRunwire,
) -> None:
    for id in ("", ".", ".."):
        with pytest.raises(InvalidError):
            rw.attach(id)
    workspace = rw.workspaces.attach("w")
    for path in ("..", "../../other", "a/../b", "a//b", "./a", ""):
        with pytest.raises(InvalidError):
            await workspace.delete(path)
        with pytest.raises(InvalidError):
            workspace.file(path)
