"""A project is built elsewhere, live, and what was built comes back:

    RUNWIRE_URL=http://127.0.0.1:7070 python3 examples/client.py DIRECTORY RESULT -- COMMAND...

The directory goes into a workspace, the command runs there with its output here, and what it made or changed is
written into RESULT. Exits as the command did. Ctrl-C cancels it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from runwire import RunFailedError, Runwire, TarEntry


def entries_of(directory: Path) -> Iterator[TarEntry]:
    """What is in a directory, each file read when it is sent."""
    for place in sorted(directory.rglob("*")):
        path = place.relative_to(directory).as_posix()
        if place.is_symlink():
            yield TarEntry(path, target=os.readlink(place))
        elif place.is_dir():
            yield TarEntry(path, directory=True, mode=place.stat().st_mode & 0o777)
        else:
            yield TarEntry(path, place, mode=place.stat().st_mode & 0o777)


def main(source: Path, result: Path, command: list[str]) -> int:
    with Runwire() as rw:
        workspace = rw.workspaces.create({"ttl_seconds": 3600})
        workspace.push(entries_of(source))
        before = workspace.snapshot()
        try:
            with rw.submit(
                {"runtime_kind": "subprocess", "command": command, "options": {"workspace": workspace.id}}
            ) as run:
                for part in run.output():
                    sys.stdout.buffer.write(part)
                    sys.stdout.buffer.flush()
                run.wait(check=True)
            for file in workspace.diff(before.id)["files"]:
                if file["type"] != "file" or file["change"] == "deleted":
                    continue
                download = workspace.file(file["path"])  # refuses what leads elsewhere
                target = result / file["path"]
                target.parent.mkdir(parents=True, exist_ok=True)
                download.save(target)
                print(file["change"], file["path"], file=sys.stderr)
        except RunFailedError as error:
            print(error, file=sys.stderr)
            code = error.record["result"]["exit_code"]
            return 125 if code is None else code
        finally:
            workspace.remove(cancel=True)
            before.remove()
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[3] != "--":
        sys.exit("usage: client.py DIRECTORY RESULT -- COMMAND...")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:]))
