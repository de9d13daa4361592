from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from real_server import TOKEN, RealServer

from runwire import AsyncRunwire


@pytest.fixture
async def rw(server: RealServer, anyio_backend: str) -> AsyncIterator[AsyncRunwire]:
    async with AsyncRunwire(server.url, TOKEN) as rw:
        yield rw
