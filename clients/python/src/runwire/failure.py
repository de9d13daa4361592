"""Failures of the connection."""

from __future__ import annotations

import httpx

from .errors import ConnectionError, lost

UNASKED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def failure_of(error: httpx.TransportError) -> ConnectionError:
    """``unreachable`` where no byte of the request was sent, else ``connection_lost``."""
    words = str(error) or type(error).__name__
    if isinstance(error, UNASKED):
        return ConnectionError(f"the server is not reached: {words}", code="unreachable")
    return lost(f"the connection broke: {words}")
