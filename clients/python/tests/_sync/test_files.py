# Made from _async/test_files.py by scripts/unasync.py: what is wanted otherwise is changed there.
from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import own, sh

from runwire import (
    Runwire,
    Workspace,
    ConflictError,
    GoneError,
    NotFoundError,
    SourceError,
    TarEntry,
    tar_of,
)
from runwire.body import body_of

from .together import aside


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def remove_when_seen(workspace: Workspace) -> None:
    """The server sees a little later that a sender has left."""
    while True:
        try:
            return workspace.remove()
        except ConflictError:
            aside(lambda: time.sleep(0.05))


def test_files_come_with_a_run_and_are_read_from_it(rw: Runwire, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"two\n")
    run = rw.submit(
        {"runtime_kind": "subprocess", "command": ["sh", "./run.sh"]},
        files={"in/a.txt": "one\n", "in/ü b.txt": tmp_path / "b", "in/empty": b""},
        archive=tar_of([TarEntry("run.sh", "cat in/*; echo made > out.txt", mode=0o755)]),
    )
    assert run.text() == "one\ntwo\n"
    run.wait(check=True)
    listed = run.files(glob="**/*.txt", hash=True).to_list()
    assert [entry["path"] for entry in listed] == ["in/a.txt", "in/ü b.txt", "out.txt"]
    assert listed[-1].get("sha256") == hash_of(b"made\n")
    assert run.file("in/ü b.txt").text() == "two\n"
    assert (run.archive(format="zip").read())[:2] == b"PK"
    entries = {entry.path: entry.read() for entry in run.archive(glob="in/*").untarred()}
    assert entries["in/a.txt"] == b"one\n"


def test_a_path_that_a_form_cannot_tell_is_refused_before_anything_is_sent(rw: Runwire) -> None:
    with pytest.raises(ValueError, match="archive"):
        rw.submit(sh("true"), files={'a"b': ""})
    with pytest.raises(ValueError):
        rw.submit({**sh("true"), "timeout_seconds": float("inf")})


def test_artifacts_have_their_hash_which_is_checked(rw: Runwire, tmp_path: Path) -> None:
    run = rw.submit(sh("echo data > kept.bin; echo out", {"artifacts": ["*.bin"]}))
    run.wait()
    assert [one["artifact_id"] for one in run.artifacts()] == ["stdout", "stderr", "kept.bin"]
    kept = run.artifact("kept.bin")
    head = kept.head()
    assert (head.size, head.sha256) == (5, hash_of(b"data\n"))
    assert kept.text() == "data\n"
    kept.save(tmp_path / "kept")
    assert (tmp_path / "kept").read_bytes() == b"data\n"
    with pytest.raises(NotFoundError) as caught:
        run.artifact("none").read()
    assert caught.value.code == "artifact_not_found"


def test_a_workspace_is_filled_worked_in_looked_at_put_back_and_removed(
    rw: Runwire, tmp_path: Path
) -> None:
    workspace = rw.workspaces.create({"metadata": {"of": own("test")}}, files={"a": "1"})
    assert (workspace.ready())["state"] == "ready"
    etag = workspace.put("b/[c]*?.txt", "two", mode="0755")
    assert (workspace.file("b/[c]*?.txt").head()).etag == etag
    with pytest.raises(ConflictError) as conflict:
        workspace.put("a", "x", if_none_match="*")
    assert conflict.value.status == 412

    def parts() -> Iterator[bytes]:
        yield b"stre"
        yield b"amed"

    workspace.put("s", parts())
    workspace.put("r", io.BytesIO(b"read"))
    workspace.put("i", iter([b"iter", b"", b"ated"]))
    workspace.put("e", b"")
    before = workspace.snapshot()
    (tmp_path / "e").write_bytes(b"five")
    came = workspace.push(
        [
            TarEntry("d", directory=True),
            TarEntry("d/e", tmp_path / "e", mode=0o600),
            TarEntry("l", target="a"),
        ]
    )
    assert came["files"] == 1
    rw.run(sh("echo new > made", {"workspace": workspace.id}), check=True)
    diff = workspace.diff(before.id, patch=True)
    assert [(f["change"], f["path"]) for f in diff["files"]] == [
        ("created", "d/e"),
        ("created", "l"),
        ("created", "made"),
    ]
    assert "+new" in workspace.patch(before.id).text()
    pulled: dict[str, bytes | str | None] = {}
    with workspace.pull() as entries:
        for entry in entries:
            if entry.type != "directory":
                pulled[entry.path] = entry.target if entry.type == "link" else entry.read()
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
    after = workspace.snapshot({"metadata": {"when": "after"}})
    assert (before.diff(after.id))["stats"]["created"] == 3
    assert "+new" in before.patch(after.id).text()
    assert after.file("made").text() == "new\n"
    listed = workspace.snapshots().to_list(2)
    assert [snapshot["snapshot_id"] for snapshot in listed] == [after.id, before.id]
    assert after.id in [one["snapshot_id"] for one in rw.snapshots.list(workspace_id=workspace.id)]
    workspace.restore(before.id)
    names = [entry["path"] for entry in workspace.files(glob="*")]
    assert names == ["a", "b", "e", "i", "r", "s"]
    workspace.delete("b", recursive=True)
    with pytest.raises(NotFoundError) as missing:
        workspace.delete("b")
    assert missing.value.code == "file_not_found"
    assert workspace.id in [one["workspace_id"] for one in rw.workspaces.list()]
    workspace.remove(cancel=True)
    with pytest.raises(GoneError) as gone:
        workspace.refresh()
    assert gone.value.code == "workspace_removed"
    for snapshot in (before, after):
        rw.snapshots.attach(snapshot.id).remove()


def test_a_workspace_that_cannot_be_filled_says_why(rw: Runwire) -> None:
    workspace = rw.workspaces.create({"from": {"git": {"url": "http://127.0.0.1:1/none.git"}}})
    with pytest.raises(ConflictError) as caught:
        workspace.ready()
    assert caught.value.code == "workspace_failed"
    workspace.remove()


def test_a_local_file_that_was_changed_meanwhile_is_not_sent(rw: Runwire, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"before")
    stale = body_of(file)
    file.write_bytes(b"after, and longer")
    workspace = rw.workspaces.create()
    for call in (
        lambda: workspace.put("f", stale, check=False),
        lambda: workspace.push([TarEntry("f", stale)]),
        lambda: workspace.put("f", tmp_path / "none"),
    ):
        with pytest.raises(SourceError) as caught:
            call()
        assert caught.value.code == "unreadable_source"
        assert isinstance(caught.value.__cause__, OSError)

    def failing() -> Iterator[bytes]:
        yield bytes(10)
        raise RuntimeError("the disk is gone")

    with pytest.raises(SourceError) as failed:
        workspace.put("f", iter(["text"]))  # type: ignore[arg-type]
    assert isinstance(failed.value.__cause__, TypeError)
    with pytest.raises(TypeError):
        rw.submit(sh("true"), files={"a": io.BytesIO(b"x")})  # type: ignore[dict-item]
    with pytest.raises(SourceError) as failed:
        workspace.put("f", failing())
    assert str(failed.value.__cause__) == "the disk is gone"
    assert workspace.files().to_list() == []
    remove_when_seen(workspace)


def test_an_asset_is_kept_under_a_name_with_the_hash_of_what_was_sent(rw: Runwire) -> None:
    name = own("asset")
    asset = rw.assets.put(name, "weights", media_type="text/plain")
    assert (asset["version"], asset["type"], asset["digest"]) == (1, "file", hash_of(b"weights"))
    archive = tar_of([TarEntry("x/y", "z")])
    tree = rw.assets.put(name, archive, extract=True, if_match=f'"{asset["digest"]}"')
    assert (tree["version"], tree["type"]) == (2, "directory")
    assert rw.assets.content(name, path="x/y").text() == "z"
    assert rw.assets.content(f"{name}@1").text() == "weights"
    assert [one["version"] for one in rw.assets.versions(name)] == [2, 1]
    assert name in [one["name"] for one in rw.assets.list()]
    rw.assets.remove(name)
    with pytest.raises(NotFoundError) as caught:
        rw.assets.get(name)
    assert caught.value.code == "asset_not_found"


def test_an_environment_spec_is_stored_named_by_a_run_listed_and_removed(rw: Runwire) -> None:
    name = own("spec")
    for _ in range(2):
        spec = rw.environment_specs.put(
            name, {"runtime_kind": "subprocess", "environment": {"GREETING": "hello"}}
        )
        assert spec["version"] == 1
    run = rw.submit({"command": ["sh", "-c", "echo $GREETING"], "options": {"environment_spec": name}})
    assert run.text() == "hello\n"
    assert (rw.environment_specs.get(name))["name"] == name
    assert len(rw.environment_specs.versions(name).to_list()) == 1
    assert name in [one["name"] for one in rw.environment_specs.list()]
    rw.environment_specs.remove(name)
    with pytest.raises(NotFoundError) as caught:
        rw.environment_specs.get(name)
    assert caught.value.code == "spec_not_found"


def test_a_session_is_set_up_used_checkpointed_reset_and_closed(rw: Runwire) -> None:
    with rw.sessions.create(
        {"runtime_kind": "subprocess", "options": {"setup": {"commands": ["echo ready > state"]}}},
        files={"given": "x"},
    ) as session:
        assert (session.ready())["state"] == "ready"
        run = session.submit({"command": ["sh", "-c", "cat state given; echo more > more"]})
        assert run.text() == "ready\nx"
        run.wait(check=True)
        checkpoint = session.checkpoint()
        assert [file["path"] for file in checkpoint["diff"]["files"]] == ["more"]
        session.reset()
        assert (session.ready())["generation"] == 2
        workspace = session.workspace()
        assert [entry["path"] for entry in workspace.files()] == ["given", "state"]
        rw.snapshots.attach(checkpoint["snapshot"]["snapshot_id"]).remove()
    assert (rw.sessions.attach(session.id).refresh())["state"] == "closed"
    with pytest.raises(GoneError):
        rw.sessions.attach(session.id).ready()
    assert session.id in [one["session_id"] for one in rw.sessions.list()]
    failing = rw.sessions.create(
        {"runtime_kind": "subprocess", "options": {"setup": {"commands": ["exit 3"]}}}
    )
    with pytest.raises(ConflictError) as caught:
        failing.ready()
    assert caught.value.code == "session_failed"
    failing.remove()


def test_the_server_keeps_nothing_of_an_upload_that_broke_off(rw: Runwire) -> None:
    workspace = rw.workspaces.create(files={"kept": "x"})

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(100_000)
        raise KeyError("enough")

    with pytest.raises(SourceError):
        workspace.put("kept", endless())
    assert workspace.file("kept").text() == "x"
    names = workspace.files().to_list()
    assert [entry["path"] for entry in names] == ["kept"]
    remove_when_seen(workspace)
