from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_server import RealServer


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[RealServer]:
    with RealServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNWIRE_URL", "RUNWIRE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
