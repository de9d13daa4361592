# Made from _async/test_run.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import own, sh
from real_server import RealServer

from runwire import (
    AccessError,
    Runwire,
    ConflictError,
    GoneError,
    InvalidError,
    NotFoundError,
    RunFailedError,
)


def test_a_run_is_started_watched_and_waited_for(rw: Runwire) -> None:
    run = rw.submit(sh("echo out; echo err >&2; exit 3"))
    types = [event["type"] for event in run.events()]
    assert {"status", "stdout", "stderr", "artifact"} <= set(types)
    assert types[-1] == "finished"
    record = run.wait()
    assert (record["status"], record["result"]["exit_code"]) == ("failed", 3)
    assert run.text(stream="stdout") == "out\n"
    assert b"".join([part for part in run.output(stream="stderr")]) == b"err\n"


def test_with_check_a_run_that_ends_badly_is_an_error_that_is_none_of_the_connection(
    rw: Runwire,
) -> None:
    assert (rw.run(sh("true")))["status"] == "succeeded"
    with pytest.raises(RunFailedError) as caught:
        rw.run(sh("exit 4"), check=True)
    assert (caught.value.code, caught.value.status) == ("failed", None)
    assert caught.value.record["result"]["exit_code"] == 4


def test_the_id_is_made_here_or_is_that_which_the_invocation_has(rw: Runwire) -> None:
    run = rw.submit(sh("true"))
    assert re.fullmatch(r"[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}", run.id)
    assert run.record is not None and run.record["invocation"]["invocation_id"] == run.id
    for words in ("an id/with ü", "..%2f..", "%2F", "a#b?c&d=e;f", "...", "back\\slash", "😀", "a+b"):
        id = own(words)
        assert (rw.submit({**sh("true"), "invocation_id": id})).id == id
        assert (rw.attach(id).wait())["result"]["invocation_id"] == id


def test_waiting_may_have_an_end_and_ends_no_run(rw: Runwire) -> None:
    with rw.submit(sh("sleep 600")) as run:
        with pytest.raises(TimeoutError):
            run.wait(timeout=0.3)
        with pytest.raises(TimeoutError):
            run.wait(timeout=0)
        assert (run.refresh())["status"] == "running"
    assert (run.wait())["status"] == "cancelled"
    # It is asked once in any case.
    assert (rw.attach(run.id).wait(timeout=0))["status"] == "cancelled"


def test_lines_are_those_of_each_stream_in_whole_characters(rw: Runwire) -> None:
    script = (
        r"printf 'a\303'; sleep 0.2; printf 'err' >&2; printf '\244b\r\nc\n\nd';"
        r" sleep 0.2; printf 'or\n' >&2; printf '\377'"
    )
    run = rw.submit(sh(script))
    lines = [line for line in run.lines()]
    assert [line.text for line in lines if line.stream == "stdout"] == ["aäb", "c", "", "d\ufffd"]
    assert [line.text for line in lines if line.stream == "stderr"] == ["error"]
    assert [line.text for line in lines if line.partial] == ["d\ufffd"]
    assert [line.text for line in run.lines(stream="stderr")] == ["error"]


def test_standard_input_is_fed_in_order_as_soon_as_there_is_a_program(
    rw: Runwire, tmp_path: Path
) -> None:
    run = rw.submit(sh("cat", {"stdin_open": True}))
    (tmp_path / "two").write_bytes(b"two ")

    def parts() -> Iterator[bytes]:
        for word in (b"three ", b"", b"four "):
            yield word

    run.write_stdin("one ")
    run.write_stdin(tmp_path / "two")
    run.write_stdin(parts())
    with (tmp_path / "two").open("rb") as file:
        run.write_stdin(file)
    run.close_stdin()
    assert run.text() == "one two three four two "
    with pytest.raises(ConflictError) as caught:
        run.write_stdin("late")
    assert caught.value.code == "not_running"


def test_a_run_is_signalled_and_cancelled(rw: Runwire) -> None:
    run = rw.submit(sh("trap 'echo got; trap - INT' INT; echo up; while :; do sleep 0.05; done"))
    with run.lines() as lines:
        assert (next(lines)).text == "up"
        run.signal("SIGINT")
        assert (next(lines)).text == "got"
    run.cancel(grace_seconds=0)
    record = run.wait()
    assert record["status"] == "cancelled"
    assert record["outcome"].get("cancelled_by") == {"by": "client"}
    assert (run.cancel())["status"] == "cancelled"


def test_leaving_the_block_cancels_what_has_not_finished_unless_it_was_detached(
    rw: Runwire,
) -> None:
    with pytest.raises(KeyError, match="mine"):
        with (
            rw.submit(sh("sleep 600")) as run,
            (rw.submit(sh("sleep 0.5"))).detach() as other,
        ):
            raise KeyError("mine")
    assert (run.wait())["status"] == "cancelled"
    assert (other.wait())["status"] == "succeeded"
    assert (rw.attach(other.id).refresh())["status"] == "succeeded"


def test_events_go_on_after_one_that_another_program_knows(rw: Runwire) -> None:
    run = rw.submit(sh("echo one; sleep 0.1; echo two"))
    told = [event for event in run.events()]
    rest = [event for event in rw.attach(run.id).events(after=told[1]["seq"])]
    assert rest == told[2:]
    assert [event for event in run.events(after=len(told))] == []


def test_a_list_is_read_page_by_page_with_a_filter(rw: Runwire) -> None:
    name = own("listed")
    made = [rw.run({**sh("true"), "runtime_name": name}) for _ in range(5)]
    pages = [page["items"] for page in rw.list(runtime_name=name, status="succeeded", limit=2).pages()]
    assert [len(page) for page in pages] == [2, 2, 1]
    ids = [record["invocation"]["invocation_id"] for page in pages for record in page]
    assert sorted(ids) == sorted(record["invocation"]["invocation_id"] for record in made)
    assert len([record for record in rw.list(runtime_name=name, limit=2)]) == 5
    assert len(rw.list(runtime_name=name).to_list(3)) == 3


def test_a_run_that_is_removed_is_gone_to_who_reads_it_and_who_asks(rw: Runwire) -> None:
    run = rw.submit(sh("echo x"))
    run.wait()
    run.remove()
    with pytest.raises(GoneError) as caught:
        run.refresh()
    assert (caught.value.code, caught.value.status) == ("invocation_removed", 410)
    with pytest.raises(GoneError):
        next(run.events())
    with pytest.raises(GoneError):
        next(run.output())


def test_what_the_server_refuses_is_told_by_class_code_and_field(
    rw: Runwire, server: RealServer
) -> None:
    with pytest.raises(InvalidError) as invalid:
        rw.submit({"runtime_kind": "subprocess", "command": ["x"], "timeout_seconds": -1})
    assert (invalid.value.code, invalid.value.status) == ("invalid_invocation", 422)
    assert [error.path for error in invalid.value.errors] == ["timeout_seconds"]
    with pytest.raises(NotFoundError):
        rw.attach("nobody").refresh()
    id = own("taken")
    rw.submit({**sh("true"), "invocation_id": id})
    with pytest.raises(ConflictError) as conflict:
        rw.submit({**sh("false"), "invocation_id": id})
    assert conflict.value.code == "invocation_conflict"
    with Runwire(server.url, "wrong") as stranger:
        with pytest.raises(AccessError):
            stranger.submit(sh("true"))
        with pytest.raises(AccessError):
            next(stranger.attach(id).events())


def test_the_server_tells_of_itself(rw: Runwire) -> None:
    rw.health()
    assert (rw.readiness())["ready"] is True
    assert "subprocess" in [runtime["kind"] for runtime in rw.runtimes()]
    assert (rw.runtime("subprocess"))["available"] is True
    with pytest.raises(NotFoundError):
        rw.runtime("none")


def test_a_name_that_an_address_folds_away_is_refused_before_anything_is_asked(
    rw: Runwire,
) -> None:
    for id in ("", ".", ".."):
        with pytest.raises(InvalidError):
            rw.attach(id)
    workspace = rw.workspaces.attach("w")
    for path in ("..", "../../other", "a/../b", "a//b", "./a", ""):
        with pytest.raises(InvalidError):
            workspace.delete(path)
        with pytest.raises(InvalidError):
            workspace.file(path)
