from __future__ import annotations

import hashlib
import io
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from programs import own, sh

from runwire import (
    AsyncRunwire,
    AsyncWorkspace,
    ConflictError,
    GoneError,
    NotFoundError,
    SourceError,
    TarEntry,
    tar_of,
)
from runwire.body import body_of

from .together import aside


pytestmark = pytest.mark.anyio


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


async def remove_when_seen(workspace: AsyncWorkspace) -> None:
    """The server sees a little later that a sender has left."""
    while True:
        try:
            return await workspace.remove()
        except ConflictError:
            await aside(lambda: time.sleep(0.05))


async def test_files_come_with_a_run_and_are_read_from_it(rw: AsyncRunwire, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two\n")
    run = await rw.submit(
        {"runtime_kind": "subprocess", "command": ["sh", "./run.sh"]},
        files={"in/a.txt": "one\n", "in/ü b.txt": tmp_path / "b", "in/empty": b""},
        archive=tar_of([TarEntry("run.sh", "cat in/*; echo made > out.txt", mode=0o755)]),
    )
    assert await run.text() == "one\ntwo\n"
    await run.wait(check=True)
    listed = await run.files(glob="**/*.txt", hash=True).to_list()
    assert [entry["path"] for entry in listed] == ["in/a.txt", "in/ü b.txt", "out.txt"]
    assert listed[-1].get("sha256") == hash_of(b"made\n")
    assert await run.file("in/ü b.txt").text() == "two\n"
    assert (await run.archive(format="zip").read())[:2] == b"PK"
    entries = {entry.path: await entry.read() async for entry in run.archive(glob="in/*").untarred()}
    assert entries["in/a.txt"] == b"one\n"


async def test_a_path_that_a_form_cannot_tell_is_refused_before_anything_is_sent(rw: AsyncRunwire) -> None:
    with pytest.raises(ValueError, match="archive"):
        await rw.submit(sh("true"), files={'a"b': ""})
    with pytest.raises(ValueError):
        await rw.submit({**sh("true"), "timeout_seconds": float("inf")})


async def test_artifacts_have_their_hash_which_is_checked(rw: AsyncRunwire, tmp_path: Path) -> None:
    run = await rw.submit(sh("echo data > kept.bin; echo out", {"artifacts": ["*.bin"]}))
    await run.wait()
    assert [one["artifact_id"] for one in await run.artifacts()] == ["stdout", "stderr", "kept.bin"]
    kept = run.artifact("kept.bin")
    head = await kept.head()
    assert (head.size, head.sha256) == (5, hash_of(b"data\n"))
    assert await kept.text() == "data\n"
    await kept.save(tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == b"data\n"
    with pytest.raises(NotFoundError) as caught:
        await run.artifact("none").read()
    assert caught.value.code == "artifact_not_found"


async def test_a_workspace_is_filled_worked_in_looked_at_put_back_and_removed(
    rw: AsyncRunwire, tmp_path: Path
) -> None:
    workspace = await rw.workspaces.create({"metadata": {"of": own("test")}}, files={"a": "1"})
    assert (await workspace.ready())["state"] == "ready"
    etag = await workspace.put("b/[c]*?.txt", "two", mode="0755")
    assert (await workspace.file("b/[c]*?.txt").head()).etag == etag
    with pytest.raises(ConflictError) as conflict:
        await workspace.put("a", "x", if_none_match="*")
    assert conflict.value.status == 412

    async def parts() -> AsyncIterator[bytes]:
        yield b"stre"
        yield b"amed"

    await workspace.put("s", parts())
    await workspace.put("r", io.BytesIO(b"read"))
    await workspace.put("i", iter([b"iter", b"", b"ated"]))
    await workspace.put("e", b"")
    before = await workspace.snapshot()
    (tmp_path / "e").write_bytes(b"five")
    came = await workspace.push(
        [
            TarEntry("d", directory=True),
            TarEntry("d/e", tmp_path / "e", mode=0o600),
            TarEntry("l", target="a"),
        ]
    )
    assert came["files"] == 1
    await rw.run(sh("echo new > made", {"workspace": workspace.id}), check=True)
    diff = await workspace.diff(before.id, patch=True)
    assert [(f["change"], f["path"]) for f in diff["files"]] == [
        ("created", "d/e"),
        ("created", "l"),
        ("created", "made"),
    ]
    assert "+new" in await workspace.patch(before.id).text()
    pulled: dict[str, bytes | str | None] = {}
    async with workspace.pull() as entries:
        async for entry in entries:
            if entry.type != "directory":
                pulled[entry.path] = entry.target if entry.type == "link" else await entry.read()
    assert pulled == {
        "a": b"1",
        "b/[c]*?.txt": b"two",
        "s": b"streamed",
        "r": b"read",
        "i": b"iterated",
        "e": b"",
        "d/e": b"five",
        "l": "a",
        "made": b"new\n",
    }
    after = await workspace.snapshot({"metadata": {"when": "after"}})
    assert (await before.diff(after.id))["stats"]["created"] == 3
    assert "+new" in await before.patch(after.id).text()
    assert await after.file("made").text() == "new\n"
    listed = await workspace.snapshots().to_list(2)
    assert [snapshot["snapshot_id"] for snapshot in listed] == [after.id, before.id]
    assert after.id in [one["snapshot_id"] async for one in rw.snapshots.list(workspace_id=workspace.id)]
    await workspace.restore(before.id)
    names = [entry["path"] async for entry in workspace.files(glob="*")]
    assert names == ["a", "b", "e", "i", "r", "s"]
    await workspace.delete("b", recursive=True)
    with pytest.raises(NotFoundError) as missing:
        await workspace.delete("b")
    assert missing.value.code == "file_not_found"
    assert workspace.id in [one["workspace_id"] async for one in rw.workspaces.list()]
    await workspace.remove(cancel=True)
    with pytest.raises(GoneError) as gone:
        await workspace.refresh()
    assert gone.value.code == "workspace_removed"
    for snapshot in (before, after):
        await rw.snapshots.attach(snapshot.id).remove()


async def test_a_workspace_that_cannot_be_filled_says_why(rw: AsyncRunwire) -> None:
    workspace = await rw.workspaces.create({"from": {"git": {"url": "http://127.0.0.1:1/none.git"}}})
    with pytest.raises(ConflictError) as caught:
        await workspace.ready()
    assert caught.value.code == "workspace_failed"
    await workspace.remove()


async def test_a_local_file_that_was_changed_meanwhile_is_not_sent(rw: AsyncRunwire, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    stale = body_of(file)
    file.write_bytes(b"after, and longer")
    workspace = await rw.workspaces.create()
    for call in (
        lambda: workspace.put("f", stale, check=False),
        lambda: workspace.push([TarEntry("f", stale)]),
        lambda: workspace.put("f", tmp_path / "none"),
    ):
        with pytest.raises(SourceError) as caught:
            await call()
        assert caught.value.code == "unreadable_source"
        assert isinstance(caught.value.__cause__, OSError)

    async def failing() -> AsyncIterator[bytes]:
        yield bytes(10)
        raise RuntimeError("the disk is gone")

    with pytest.raises(SourceError) as failed:
        await workspace.put("f", iter(["text"]))  # type: ignore[arg-type]
    assert isinstance(failed.value.__cause__, TypeError)
    with pytest.raises(TypeError):
        await rw.submit(sh("true"), files={"a": io.BytesIO(b"x")})  # type: ignore[dict-item]
    with pytest.raises(SourceError) as failed:
        await workspace.put("f", failing())
    assert str(failed.value.__cause__) == "the disk is gone"
    assert await workspace.files().to_list() == []
    await remove_when_seen(workspace)


async def test_an_asset_is_kept_under_a_name_with_the_hash_of_what_was_sent(rw: AsyncRunwire) -> None:
    name = own("asset")
    asset = await rw.assets.put(name, "weights", media_type="text/plain")
    assert (asset["version"], asset["type"], asset["digest"]) == (1, "file", hash_of(b"weights"))
    archive = tar_of([TarEntry("x/y", "z")])
    tree = await rw.assets.put(name, archive, extract=True, if_match=f'"{asset["digest"]}"')
    assert (tree["version"], tree["type"]) == (2, "directory")
    assert await rw.assets.content(name, path="x/y").text() == "z"
    assert await rw.assets.content(f"{name}@1").text() == "weights"
    assert [one["version"] async for one in rw.assets.versions(name)] == [2, 1]
    assert name in [one["name"] async for one in rw.assets.list()]
    await rw.assets.remove(name)
    with pytest.raises(NotFoundError) as caught:
        await rw.assets.get(name)
    assert caught.value.code == "asset_not_found"


async def test_an_environment_spec_is_stored_named_by_a_run_listed_and_removed(rw: AsyncRunwire) -> None:
    name = own("spec")
    for _ in range(2):
        spec = await rw.environment_specs.put(
            name, {"runtime_kind": "subprocess", "environment": {"GREETING": "hello"}}
        )
        assert spec["version"] == 1
    run = await rw.submit({"command": ["sh", "-c", "echo $GREETING"], "options": {"environment_spec": name}})
    assert await run.text() == "hello\n"
    assert (await rw.environment_specs.get(name))["name"] == name
    assert len(await rw.environment_specs.versions(name).to_list()) == 1
    assert name in [one["name"] async for one in rw.environment_specs.list()]
    await rw.environment_specs.remove(name)
    with pytest.raises(NotFoundError) as caught:
        await rw.environment_specs.get(name)
    assert caught.value.code == "spec_not_found"


async def test_a_session_is_set_up_used_checkpointed_reset_and_closed(rw: AsyncRunwire) -> None:
    async with await rw.sessions.create(
        {"runtime_kind": "subprocess", "options": {"setup": {"commands": ["echo ready > state"]}}},
        files={"given": "x"},
    ) as session:
        assert (await session.ready())["state"] == "ready"
        run = await session.submit({"command": ["sh", "-c", "cat state given; echo more > more"]})
        assert await run.text() == "ready\nx"
        await run.wait(check=True)
        checkpoint = await session.checkpoint()
        assert [file["path"] for file in checkpoint["diff"]["files"]] == ["more"]
        await session.reset()
        assert (await session.ready())["generation"] == 2
        workspace = await session.workspace()
        assert [entry["path"] async for entry in workspace.files()] == ["given", "state"]
        await rw.snapshots.attach(checkpoint["snapshot"]["snapshot_id"]).remove()
    assert (await rw.sessions.attach(session.id).refresh())["state"] == "closed"
    with pytest.raises(GoneError):
        await rw.sessions.attach(session.id).ready()
    assert session.id in [one["session_id"] async for one in rw.sessions.list()]
    failing = await rw.sessions.create(
        {"runtime_kind": "subprocess", "options": {"setup": {"commands": ["exit 3"]}}}
    )
    with pytest.raises(ConflictError) as caught:
        await failing.ready()
    assert caught.value.code == "session_failed"
    await failing.remove()


async def test_the_server_keeps_nothing_of_an_upload_that_broke_off(rw: AsyncRunwire) -> None:
    workspace = await rw.workspaces.create(files={"kept": "x"})

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield bytes(100_000)
        raise KeyError("enough")

    with pytest.raises(SourceError):
        await workspace.put("kept", endless())
    assert await workspace.file("kept").text() == "x"
    names = await workspace.files().to_list()
    assert [entry["path"] for entry in names] == ["kept"]
    await remove_when_seen(workspace)
