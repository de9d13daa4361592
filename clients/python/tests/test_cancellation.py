"""Cancelled by asyncio: nothing goes on, and nothing stays open."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from programs import sh, until
from scripted_server import Answer, ScriptedServer, events, framed, json, problem, silence

from runwire import AsyncRunwire, TarEntry

pytestmark = pytest.mark.anyio

ONE = {"seq": 1, "time": "t", "type": "stdout", "phase": "command", "text": "a\n"}


def calls_of(rw: AsyncRunwire, place: Path) -> list[Callable[[], Awaitable[object]]]:
    run, workspace, session = rw.attach("a"), rw.workspaces.attach("w"), rw.sessions.attach("s")
    file = place / "sent"
    file.write_bytes(bytes(1 << 20))
    return [
        lambda: rw.submit(sh("true")),
        lambda: rw.submit(sh("true"), files={"a": file}),
        lambda: rw.run(sh("true")),
        lambda: run.refresh(),
        lambda: run.wait(),
        lambda: run.cancel(),
        lambda: run.signal("SIGINT"),
        lambda: run.write_stdin("x"),
        lambda: run.close_stdin(),
        lambda: run.remove(),
        lambda: anext(run.events()),
        lambda: anext(run.lines()),
        lambda: anext(run.output()),
        lambda: run.text(),
        lambda: run.artifacts(),
        lambda: run.artifact("x").read(),
        lambda: run.artifact("x").save(place / "saved"),
        lambda: run.file("x").head(),
        lambda: run.files().to_list(),
        lambda: anext(run.archive().untarred()),
        lambda: rw.list().to_list(),
        lambda: rw.workspaces.create(),
        lambda: workspace.ready(),
        lambda: workspace.put("f", file),
        lambda: workspace.delete("f"),
        lambda: workspace.push([TarEntry("f", file)]),
        lambda: anext(workspace.pull()),
        lambda: workspace.snapshot(),
        lambda: workspace.diff("s"),
        lambda: workspace.restore("s"),
        lambda: workspace.reset(),
        lambda: rw.snapshots.attach("s").diff("t"),
        lambda: session.ready(),
        lambda: session.checkpoint(),
        lambda: session.reset(),
        lambda: rw.environment_specs.put("n", {"runtime_kind": "x"}),
        lambda: rw.assets.put("n", file),
        lambda: rw.assets.content("n").read(),
        lambda: rw.runtimes(),
    ]


def open_files() -> list[str]:
    """Without what asyncio and the scripted server hold all the time."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}"))
        except OSError:
            pass  # it was that of the list
    return found


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(silence, id="while it waits for the answer"),
        pytest.param(
            problem(503, "draining", headers={"retry-after": "30"}), id="while it waits to ask again"
        ),
    ],
)
async def test_a_call_that_is_cancelled_ends_at_once_and_leaves_nothing_open(
    answer: Answer, tmp_path: Path
) -> None:
    with ScriptedServer(answer) as server:
        async with AsyncRunwire(server.url) as rw:
            tasks = asyncio.all_tasks()
            for call in calls_of(rw, tmp_path):
                asked = len(server.asked)
                task = asyncio.ensure_future(call())
                await asyncio.to_thread(until, lambda: len(server.asked) > asked, "it is asked")
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                if answer is silence:
                    await asyncio.to_thread(until, lambda: server.gone > 0, "the server is left")
                    server.forget()
                assert asyncio.all_tasks() == tasks
            assert not any(str(tmp_path) in name for name in open_files())
    assert os.listdir(tmp_path) == ["sent"]


async def test_what_is_being_read_ends() -> None:
    with ScriptedServer(events(framed(ONE), "silence")) as server:
        async with AsyncRunwire(server.url) as rw:
            reading = rw.attach("a").events()
            await anext(reading)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await anext(reading)
            await asyncio.to_thread(until, lambda: server.gone == 1, "the server is left")
            with pytest.raises(RuntimeError, match="broken off"):
                await anext(reading)


async def test_what_is_being_sent_ends_and_its_source_with_it() -> None:
    ended: list[str] = []

    async def parts() -> AsyncIterator[bytes]:
        try:
            yield b"x"
            await asyncio.sleep(600)
        finally:
            ended.append("source")

    with ScriptedServer(json({})) as server:
        async with AsyncRunwire(server.url) as rw:
            task = asyncio.ensure_future(rw.workspaces.attach("w").put("f", parts()))
            await asyncio.to_thread(until, lambda: server.connections > 0, "it is connected")
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.to_thread(until, lambda: server.connections == 0, "the server is left")
    assert server.asked == []


async def test_what_waits_for_a_thread_that_others_have_is_cancelled_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1 << 20))
    over = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as pool, ScriptedServer(json({})) as server:
        loop.set_default_executor(pool)
        held = asyncio.ensure_future(asyncio.to_thread(over.wait))
        async with AsyncRunwire(server.url) as rw:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await rw.workspaces.attach("w").put("f", tmp_path / "file")
        over.set()
        await held
        loop.set_default_executor(ThreadPoolExecutor(4))


async def test_many_streams_wait_for_none_of_the_others() -> None:
    with ScriptedServer(events(framed(ONE), "silence")) as server:
        async with AsyncRunwire(server.url) as rw:
            streams = [rw.attach(str(n)).events() for n in range(150)]
            assert await asyncio.gather(*(anext(stream) for stream in streams)) == [ONE] * 150
            for stream in streams:
                await stream.aclose()
            await asyncio.to_thread(until, lambda: server.gone == 150, "all are left")
