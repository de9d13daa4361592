# Made from _async/test_output.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import re

import pytest
from scripted_server import Answer, ScriptedServer, json, problem, reset

from runwire import Runwire, IntegrityError, InvalidError

BYTES = "the output, äöü".encode()


def record(status: str, kept: int = len(BYTES)) -> Answer:
    ended = {"result": {}, "outcome": {"stdout": {"kept": kept}, "stderr": {"kept": 0}}}
    return json({"status": status, **(ended if status != "running" else {"result": None, "outcome": None})})


def some(start: int, end: int | None = None) -> Answer:
    """These bytes, then an end in order, as a proxy may make one of a broken stream."""
    return lambda talk: talk.whole(200, {}, BYTES[start:end])


def test_output_that_ends_before_the_run_or_before_what_was_kept_is_gone_on_with() -> None:
    answers = [
        some(0, 4),
        record("running"),
        reset,
        some(4, 13),
        record("succeeded"),
        some(13),
        record("succeeded"),
    ]
    with ScriptedServer(*answers) as server:
        with Runwire(server.url) as rw:
            assert rw.attach("a").text() == BYTES.decode()
        asked = [target for target in server.asked if "/output" in target]
    offsets = [found[1] if (found := re.search(r"offset=(\d+)", target)) else "0" for target in asked]
    assert offsets == ["0", "4", "4", "13"]


def test_more_than_was_kept_is_told_of() -> None:
    with ScriptedServer(some(0), record("succeeded", 3)) as server:
        with Runwire(server.url) as rw:
            with pytest.raises(IntegrityError) as caught:
                rw.attach("a").text()
    assert caught.value.code == "length_mismatch"


def test_output_of_which_there_is_less_than_was_read_is_told_of_and_not_waited_for() -> None:
    ahead = problem(400, "bad_request", {"errors": [{"path": "offset", "message": "is ahead"}]})
    with ScriptedServer(some(0, 4), record("running"), ahead) as server:
        with Runwire(server.url) as rw:
            with pytest.raises(InvalidError) as caught:
                rw.attach("a").text()
    assert [error.path for error in caught.value.errors] == ["offset"]


def test_what_is_there_now_is_asked_for_once() -> None:
    with ScriptedServer(some(0)) as server:
        with Runwire(server.url) as rw:
            told = rw.attach("a").text(follow=False, stream="stderr", offset=2, phase="setup")
        assert told == BYTES.decode()
        assert server.asked == ["GET /invocations/a/stderr?phase=setup&offset=2"]
