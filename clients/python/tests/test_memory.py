from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scripted_server import Answer, ScriptedServer, Talk

HOME = Path(__file__).resolve().parent
MIB = 1 << 20


def serving(size: int) -> Answer:
    """So many MiB, and as many are taken."""

    def answer(talk: Talk) -> None:
        if talk.command == "PUT":
            return talk.whole(204, {}, b"")
        talk.head(200, {"content-length": str(size * MIB), "etag": '"e"'})
        part = bytes(MIB)
        for _ in range(size):
            talk.wfile.write(part)
        return None

    return answer


@pytest.mark.parametrize(("side", "size"), [("sync", 1024), ("async", 256)])
def test_memory_does_not_grow_with_what_is_read_and_sent(side: str, size: int, tmp_path: Path) -> None:
    for name, length in (("small", MIB), ("large", 128 * MIB)):
        with (tmp_path / name).open("wb") as file:
            file.truncate(length)
    environment = {**os.environ, "PYTHONPATH": f"{HOME.parent / 'src'}:{HOME}"}
    with ScriptedServer(serving(1)) as warm, ScriptedServer(serving(size), serving(128)) as server:
        words: list[str | Path] = [
            sys.executable,
            HOME / "flat_memory.py",
            side,
            warm.url,
            server.url,
            tmp_path / "large",
        ]
        ended = subprocess.run(words, env=environment, capture_output=True, text=True)
    assert ended.stderr == ""
    count, grown = (int(word) for word in ended.stdout.split())
    assert count == (size + 128) * MIB
    assert grown < 16
    assert (tmp_path / "saved").stat().st_size == 128 * MIB
