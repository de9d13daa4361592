from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from runwire import ProtocolError, Stream, TarEntry, UntarredEntry, tar_of
from runwire._sync.untar import untarred
from runwire.body import Body

LONG = f"{'deep/' * 30}{'n' * 120}"
THEN = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def entries(tmp_path: Path) -> list[TarEntry]:
    (tmp_path / "given").write_bytes(b"x" * 1000)
    return [
        TarEntry("empty"),
        TarEntry("program", "#!/bin/sh\n", mode=0o755),
        TarEntry("dir", directory=True, mode=0o700),
        TarEntry('dir/ü "x"\nline', bytes([7]) * 512),
        TarEntry(LONG, tmp_path / "given", modified_at=THEN),
        TarEntry("link", target="../" * 40 + "é"),
        TarEntry("not\udcffutf-8", "y"),
    ]


def content(body: Body) -> bytes:
    whole = b"".join(body.parts())
    assert len(whole) == body.size
    return whole


def read(archive: bytes, size: int = 1 << 16) -> dict[str, tuple[UntarredEntry, bytes]]:
    def parts() -> Generator[bytes, None, None]:
        for at in range(0, len(archive), size):
            yield archive[at : at + size]

    return {entry.path: (entry, entry.read()) for entry in untarred(Stream(parts()))}


def test_tar_reads_what_is_packed_here(entries: list[TarEntry], tmp_path: Path) -> None:
    home = tmp_path / "out"
    home.mkdir()
    subprocess.run(["tar", "-xf", "-", "-C", home], input=content(tar_of(entries)), check=True)
    assert (home / "program").read_text() == "#!/bin/sh\n"
    assert (home / "program").stat().st_mode & 0o777 == 0o755
    assert (home / "dir").stat().st_mode & 0o777 == 0o700
    assert os.listdir(home / "dir") == ['ü "x"\nline']
    assert (home / LONG).read_bytes() == b"x" * 1000
    assert (home / LONG).stat().st_mtime == THEN.timestamp()
    assert os.readlink(home / "link") == "../" * 40 + "é"
    assert (home / "not\udcffutf-8").read_text() == "y"


@pytest.mark.parametrize("size", [1, 100, 512, 1000, 1 << 20])
def test_what_is_packed_here_is_read_here_in_whatever_pieces_it_comes(
    entries: list[TarEntry], size: int
) -> None:
    found = read(content(tar_of(entries)), size)
    assert list(found) == [entry.path for entry in entries]
    long, body = found[LONG]
    assert (long.type, long.mode, body, long.modified_at) == ("file", 0o644, b"x" * 1000, THEN)
    assert (found["dir"][0].type, found["dir"][0].mode) == ("directory", 0o700)
    assert (found["link"][0].type, found["link"][0].target) == ("link", "../" * 40 + "é")


@pytest.mark.parametrize("format", ["gnu", "pax", "ustar", "v7"])
def test_a_tar_of_others_is_read(format: str, tmp_path: Path) -> None:
    path = LONG if format in ("gnu", "pax") else f"{'a' * (40 if format == 'v7' else 60)}/{'b' * 50}"
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_bytes(b"content")
    (tmp_path / "link").symlink_to("somewhere")
    packed = subprocess.run(
        ["tar", "-c", f"--format={format}", "-C", tmp_path, "."], capture_output=True, check=True
    ).stdout
    found = read(packed)
    assert found[f"./{path}"][1] == b"content"
    assert (found["./link"][0].type, found["./link"][0].target) == ("link", "somewhere")


def test_a_large_file_has_its_size_in_both_ways_of_telling_it() -> None:
    class Large:
        size = 8**11 + 3
        waits = False

        def parts(self) -> Generator[bytes, None, None]:
            yield b""

    packed = b"".join(tar_of([TarEntry("large", Large())]).parts())
    with pytest.raises(ProtocolError, match="breaks off"):
        read(packed)
    head = tarfile.TarInfo("large")
    head.size = 8**11 + 3
    for format in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        source = io.BytesIO(head.tobuf(format))

        def parts(source: io.BytesIO = source) -> Generator[bytes, None, None]:
            yield source.read()

        entry = next(iter(untarred(Stream(parts()))))
        assert entry.size == 8**11 + 3


def test_entries_may_be_passed_over_and_an_archive_that_breaks_off_is_told_of(
    entries: list[TarEntry],
) -> None:
    packed = content(tar_of(entries))

    def parts(archive: bytes) -> Generator[bytes, None, None]:
        yield archive

    assert len(list(untarred(Stream(parts(packed))))) == len(entries)
    for broken in (packed[:3000], packed[:-1024], b"", b"no archive" * 100):
        with pytest.raises(ProtocolError):
            list(untarred(Stream(parts(broken))))
