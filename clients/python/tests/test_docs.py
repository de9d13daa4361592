"""docs/clients/python.md, examples/client.py and the package: what they say is so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from real_server import ROOT, TOKEN, RealServer

from runwire import Runwire

HOME = Path(__file__).resolve().parent.parent
CACHE = Path(sys.prefix, "mypy-cache")
PAGE = (ROOT / "docs/clients/python.md").read_text("utf-8")
README = (HOME / "README.md").read_text("utf-8")
EXAMPLES = [
    pytest.param(program, printed, id=section.split("\n", 1)[0])
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)
    for program, printed in re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", section, re.DOTALL)
]


def environment(server: RealServer, source: Path = HOME / "src") -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(source),
        "RUNWIRE_URL": server.url,
        "RUNWIRE_TOKEN": TOKEN,
    }


def ran(words: list[str | Path], **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, **more)  # type: ignore[call-overload, no-any-return]


def test_the_page_shows_of_every_example_what_it_prints() -> None:
    assert len(EXAMPLES) == len(re.findall(r"^```python$", PAGE, flags=re.MULTILINE)) > 3


@pytest.mark.parametrize(("program", "printed"), EXAMPLES)
def test_an_example_prints_what_the_page_says(
    program: str, printed: str, server: RealServer, tmp_path: Path
) -> None:
    ended = ran([sys.executable, "-W", "error", "-c", program], env=environment(server), cwd=tmp_path)
    assert ended.stdout + ended.stderr == printed


def test_what_is_shown_is_rightly_typed(tmp_path: Path) -> None:
    shown = [example.values[0] for example in EXAMPLES] + re.findall(
        r"```python\n(.*?)```", README, re.DOTALL
    )
    for at, program in enumerate(shown):
        (tmp_path / f"example_{at}.py").write_text(str(program), "utf-8")
    checked = ran(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--cache-dir",
            CACHE,
            ROOT / "examples/client.py",
            tmp_path,
        ],
        env={**os.environ, "MYPYPATH": str(HOME / "src")},
        cwd=tmp_path,
    )
    assert "Success" in checked.stdout, checked.stdout


def test_the_example_builds_elsewhere_and_brings_what_was_made(server: RealServer, tmp_path: Path) -> None:
    (tmp_path / "project/src").mkdir(parents=True)
    build = 'echo building\necho "made of $(cat "$1")" > src/made\nexit $2\n'
    (tmp_path / "project/build.sh").write_text(build)
    (tmp_path / "project/src/source").write_text("source")
    (tmp_path / "project/link").symlink_to("src/source")
    words: list[str | Path] = [
        sys.executable,
        ROOT / "examples/client.py",
        "project",
        "result",
        "--",
        "sh",
        "build.sh",
        "link",
    ]
    ended = ran([*words, "0"], env=environment(server), cwd=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "building\n", "created src/made\n")
    assert (tmp_path / "result/src/made").read_text() == "made of source\n"
    assert sorted(path.name for path in (tmp_path / "result").rglob("*")) == ["made", "src"]
    failed = ran([*words, "7"], env=environment(server), cwd=tmp_path)
    assert (failed.returncode, failed.stdout) == (7, "building\n")
    with Runwire(server.url, TOKEN) as rw:
        assert rw.workspaces.list().to_list() == []


def test_the_package_has_all_of_it_and_is_typed(server: RealServer, tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index"]
    built = ran([*words, "-q", "-w", tmp_path, HOME])
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("runwire-*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = {name for name in files.namelist() if name.startswith("runwire/")}
        files.extractall(tmp_path / "installed")
    source = HOME / "src"
    assert names == {
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_file() and path.suffix in (".py", ".typed")
    }
    (tmp_path / "use.py").write_text(
        "from runwire import Runwire\nwith Runwire() as rw:\n    reveal_type(rw.readiness()['ready'])\n"
    )
    typed = ran(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", CACHE, "use.py"],
        env={**os.environ, "MYPYPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
    )
    assert 'Revealed type is "bool"' in typed.stdout, typed.stdout
    used = ran(
        [
            sys.executable,
            "-W",
            "error",
            "-c",
            "from runwire import Runwire\nwith Runwire() as rw: rw.health()",
        ],
        env=environment(server, tmp_path / "installed"),
        cwd=tmp_path,
    )
    assert (used.returncode, used.stderr) == (0, "")


def test_the_versions_of_server_and_client_are_the_same() -> None:
    said = re.search(r'^  "version": "(.+)"', (ROOT / "package.json").read_text(), re.MULTILINE)
    own = re.search(r'^version = "(.+)"', (HOME / "pyproject.toml").read_text(), re.MULTILINE)
    assert said is not None and own is not None and said[1] == own[1]
