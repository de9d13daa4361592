"""How connections are kept."""

from __future__ import annotations

import socket
from importlib.metadata import PackageNotFoundError, version

import httpx

LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=5)
"""Each stream that is read has one: none waits for another."""


def _options() -> list[tuple[int, int, int]]:
    """A peer that vanished is noticed also where silence is no sign of it."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
    for name, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if (option := getattr(socket, name, None)) is not None:
            options.append((socket.IPPROTO_TCP, option, seconds))
    return options


def _version() -> str:
    try:
        return version("runwire")
    except PackageNotFoundError:
        return "0"  # it is used where it lies


OPTIONS = _options()
USER_AGENT = f"runwire-python/{_version()}"
