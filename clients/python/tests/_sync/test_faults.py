# Made from _async/test_faults.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import hashlib
from base64 import b64decode
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest
from cutting_proxy import CuttingProxy
from programs import sh, until
from real_server import TOKEN, RealServer

from runwire import Run, Runwire, RuntimeEvent

from .together import aside, together

CUT_SECONDS = 0.3


def read(parts: Iterable[bytes]) -> tuple[int, str]:
    """Bytes that were read, and their hash."""
    proof = hashlib.sha256()
    count = 0
    for part in parts:
        proof.update(part)
        count += len(part)
    return count, proof.hexdigest()


def bytes_of(events: Iterable[RuntimeEvent], stream: str) -> Iterator[bytes]:
    seq = 0
    for event in events:
        seq += 1
        assert event["seq"] == seq
        if event["type"] == "stdout" or event["type"] == "stderr":
            if event["type"] == stream:
                yield event["text"].encode() if "text" in event else b64decode(event["base64"])


def test_every_reader_has_every_byte_once_through_a_proxy_that_cuts_and_a_server_that_is_killed(
    server: RealServer, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    some = "head -c 6000000 /dev/urandom; yes out | head -c 100000; yes err | head -c 100000 >&2"
    script = f'{some}; while [ ! -e "{go}" ]; do sleep 0.05; done; {some}'
    with CuttingProxy(server.port, CUT_SECONDS) as proxy:
        with Runwire(proxy.url, TOKEN, retry_seconds=150) as rw:
            run = rw.submit(sh(script))

            def kill() -> tuple[int, str]:
                aside(lambda: until(lambda: proxy.cuts > 10, "connections are cut"))
                aside(server.restart)
                aside(server.restart)
                go.touch()
                return 0, (run.wait(check=True))["status"]

            stdout, stderr, both, out_events, err_events, _ = together(
                lambda: read(run.output(stream="stdout")),
                lambda: read(run.output(stream="stderr")),
                lambda: read(run.output()),
                lambda: read(bytes_of(run.events(), "stdout")),
                lambda: read(bytes_of(run.events(), "stderr")),
                kill,
            )
            outcome = (run.wait())["outcome"]
            assert outcome["stdout"] is not None and outcome["stderr"] is not None
            assert stdout == (12_200_000, outcome["stdout"]["sha256"])
            assert stderr == (200_000, outcome["stderr"]["sha256"])
            assert (out_events, err_events) == (stdout, stderr)
            assert both[0] == 12_400_000
            # Once more, now that it has finished: the other way of the server.
            assert read(run.output()) == both
            assert read(run.artifact("stdout")) == stdout
            run.artifact("stdout").save(tmp_path / "stdout")
            assert hashlib.sha256((tmp_path / "stdout").read_bytes()).hexdigest() == stdout[1]


def test_runs_that_are_submitted_while_connections_break_and_the_server_is_killed_are_made_once_each(
    server: RealServer,
) -> None:
    with CuttingProxy(server.port, CUT_SECONDS) as proxy:
        with Runwire(proxy.url, TOKEN, retry_seconds=150) as rw:
            before = len(rw.list().to_list())

            def submit(number: int) -> Run:
                return rw.submit(sh(f"echo {number}"))

            def kill() -> Run:
                aside(server.restart)
                return submit(40)

            numbers = [partial(submit, number) for number in range(40)]
            runs = together(*numbers[:20], kill, *numbers[20:])
            texts = together(*(run.text for run in runs))
            assert sorted(texts) == sorted(f"{number}\n" for number in range(41))
            assert len(rw.list(limit=7).to_list()) == before + 41


def test_files_go_in_and_out_through_a_proxy_that_cuts_each_connection(
    server: RealServer, tmp_path: Path
) -> None:
    content = b"a file of some length, and not of zeros " * 50_000
    (tmp_path / "large").write_bytes(content)
    with CuttingProxy(server.port, 2) as proxy:
        with Runwire(proxy.url, TOKEN, retry_seconds=150) as rw:
            workspace = rw.workspaces.create()
            workspace.put("large", tmp_path / "large")
            for _ in range(5):
                assert workspace.file("large").read() == content
            snapshot = workspace.snapshot()
            workspace.put("more", "x")
            diff = workspace.diff(snapshot.id)
            assert [file["path"] for file in diff["files"]] == ["more"]
            workspace.remove(cancel=True)
            snapshot.remove()


def test_a_connection_of_a_server_that_was_killed_is_not_taken_for_another_call(
    server: RealServer,
) -> None:
    with Runwire(server.url, TOKEN) as rw, rw.submit(sh("sleep 600")) as run:
        run.signal("SIGCONT")
        aside(server.restart)
        run.signal("SIGCONT")  # what may not be sent twice


def test_what_waits_goes_on_when_the_server_is_killed(server: RealServer, tmp_path: Path) -> None:
    go = tmp_path / "go"
    with Runwire(server.url, TOKEN) as rw:
        run = rw.submit(sh(f'echo up; while [ ! -e "{go}" ]; do sleep 0.05; done; echo down'))

        def kill() -> list[str]:
            aside(server.restart)
            go.touch()
            return []

        def lines() -> list[str]:
            return [line.text for line in run.lines()]

        def waited() -> list[str]:
            return [(rw.attach(run.id).wait())["status"]]

        assert together(lines, waited, kill) == [["up", "down"], ["succeeded"], []]
