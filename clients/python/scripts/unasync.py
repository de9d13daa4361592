"""Writes the client without asyncio from the one with it, and its tests from those: names and keywords are exchanged, nothing else.

python3 scripts/unasync.py [--check]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent
FOLDERS = [
    (HOME / "src/runwire/_async", HOME / "src/runwire/_sync"),
    (HOME / "tests/_async", HOME / "tests/_sync"),
]
BY_HAND = {"machine.py", "__init__.py", "conftest.py", "together.py"}
"""What differs in more than words; both sides of it are written by hand."""

EXCHANGED = [
    (r"AsyncGenerator\[(.+?), None\]", r"Generator[\1, None, None]"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(HTTPTransport|Client|Generator|Iterator|Iterable)\b", r"\1"),
    (r"\bAsync([A-Z]\w+)", r"\1"),
    (r"\bStopAsyncIteration\b", "StopIteration"),
    (r"\b__a(iter|next|enter|exit)__\b", r"__\1__"),
    (r"\ba(close|closing|next|iter_bytes)\b", r"\1"),
    (r"\b_async\b", "_sync"),
    (r"\n\n*pytestmark = pytest.mark.anyio\n", "\n"),
]


def unasync(source: str, name: str) -> str:
    for pattern, words in EXCHANGED:
        source = re.sub(pattern, words, source)
    return f"# Made from _async/{name} by scripts/unasync.py: what is wanted otherwise is changed there.\n{source}"


def main(check: bool) -> int:
    stale: list[str] = []
    for given, made in FOLDERS:
        wanted = {
            path.name: unasync(path.read_text("utf-8"), path.name)
            for path in sorted(given.glob("*.py"))
            if path.name not in BY_HAND
        }
        there = {path.name: path.read_text("utf-8") for path in made.glob("*.py") if path.name not in BY_HAND}
        for name in sorted({*wanted, *there}):
            if wanted.get(name) == there.get(name):
                continue
            stale.append(str((made / name).relative_to(HOME)))
            if check:
                continue
            if name in wanted:
                (made / name).write_text(wanted[name], "utf-8")
            else:
                (made / name).unlink()
    for name in stale:
        print(f"stale: {name}" if check else f"written: {name}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
