from __future__ import annotations

from collections.abc import Iterator

import pytest
from real_server import TOKEN, RealServer

from runwire import Runwire


@pytest.fixture
def rw(server: RealServer) -> Iterator[Runwire]:
    with Runwire(server.url, TOKEN) as rw:
        yield rw
