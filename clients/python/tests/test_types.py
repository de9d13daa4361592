from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).resolve().parent.parent


def test_all_of_it_is_typed_strictly() -> None:
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "mypy",
        "--cache-dir",
        Path(sys.prefix, "mypy-cache"),
        "src",
        "tests",
        "scripts",
    ]
    checked = subprocess.run(words, cwd=HOME, capture_output=True, text=True)
    assert "Success" in checked.stdout, checked.stdout + checked.stderr
