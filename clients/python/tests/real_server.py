"""A real server, which can be killed and started again."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[3]
TOKEN = "token-of-the-server"


class RealServer:
    def __init__(self, **variables: str) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="runwire-python-"))
        self.port = 0
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        given = ("PATH", "HOME", "NODE_COMPILE_CACHE")
        environment = {
            **{name: os.environ[name] for name in given if name in os.environ},
            "RUNWIRE_PORT": str(self.port),
            "RUNWIRE_TOKEN": TOKEN,
            "RUNWIRE_DATA_DIR": str(self.data),
            "RUNWIRE_MIN_FREE_DISK_BYTES": "0",
            "RUNWIRE_LOG_LEVEL": "error",
            "RUNWIRE_DRAIN_SECONDS": "0",
            "RUNWIRE_ON_EXIT": "cancel",
            **self._variables,
        }
        node = os.environ.get("RUNWIRE_TEST_NODE") or str(ROOT / "node_modules/.bin/node")
        self._process = subprocess.Popen(
            [node, "src/server.ts"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        listening = threading.Event()
        threading.Thread(target=self._listen, args=(self._process, listening), daemon=True).start()
        if not listening.wait(120) or self._process.poll() is not None:
            raise RuntimeError(f"the server does not start: {''.join(self._said)}")

    def _listen(self, process: subprocess.Popen[str], listening: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                self._said.append(line)
                if found := re.search(r"listens on http://[^:]+:(\d+)", line):
                    self.port = int(found[1])
                    listening.set()
        listening.set()

    def crash(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Killed, and there again at the same address."""
        self.crash()
        self.start()

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.data, ignore_errors=True)
